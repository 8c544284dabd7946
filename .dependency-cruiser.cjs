'use strict';

// leaves <- domain <- application <- {storage, sync, http} <- composition <- main

const leaves = '^src/(assert|map-limits|package-files|system|time-text)[.]ts$';

/** Modules of `from` may import these folders and files of the project, and nothing else of it. */
function mayImport(name, from, ...allowed) {
  return {
    name,
    severity: 'error',
    from: { path: from },
    to: { path: '^src/', pathNot: [leaves, ...allowed] },
  };
}

function onlyFrom(name, packages, folder) {
  return {
    name,
    severity: 'error',
    from: { path: '^src/', pathNot: folder },
    to: { path: `(^|/)(${packages})(/|$)`, pathNot: '^src/' },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'leaves-import-nothing',
      severity: 'error',
      from: { path: leaves },
      to: { path: '^src/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'Not even a node builtin: no I/O, no clock, no randomness.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: [leaves, '^src/domain/'] },
    },
    mayImport('application', '^src/application/', '^src/(domain|application|resilience)/'),
    mayImport('storage', '^src/storage/', '^src/(domain|application|resilience|storage)/'),
    mayImport('sync', '^src/sync/', '^src/(domain|application|resilience|sync)/'),
    mayImport('http', '^src/http/', '^src/(domain|application|resilience|http)/'),
    {
      name: 'the-client-stands-alone',
      comment: 'Others use it without the service: it needs Node, and nothing that is installed.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { pathNot: '^src/client/', dependencyTypesNot: ['core'] },
    },
    mayImport('resilience', '^src/resilience/', '^src/resilience/'),
    mayImport(
      'observability',
      '^src/observability/',
      '^src/(domain|application|resilience|observability)/',
    ),
    mayImport('config', '^src/config(-values)?[.]ts$', '^src/(domain/|config-values[.]ts$)'),
    mayImport('cluster', '^src/cluster/', '^src/(domain|resilience|observability|cluster)/'),
    mayImport(
      'main',
      '^src/main[.]ts$',
      '^src/(composition/start-(service|primary)|config|start-text|stop-signals)[.]ts$',
    ),
    mayImport('start-text', '^src/start-text[.]ts$'),
    {
      name: 'drivers-are-strangers',
      severity: 'error',
      from: { path: '^src/storage/([^/]+)/' },
      to: { path: '^src/storage/[^/]+/', pathNot: '^src/storage/$1/' },
    },
    {
      name: 'shared-storage-knows-no-driver',
      comment: 'Otherwise it would join one driver to another.',
      severity: 'error',
      from: { path: '^src/storage/[^/]+$' },
      to: { path: '^src/storage/[^/]+/' },
    },
    {
      name: 'nothing-imports-main',
      severity: 'error',
      from: {},
      to: { path: '^src/main[.]ts$' },
    },
    {
      name: 'composition-is-for-main-and-cli',
      severity: 'error',
      from: { pathNot: ['^src/main[.]ts$', '^src/cli/', '^src/composition/', '^(tests|bench)/'] },
      to: { path: '^src/composition/' },
    },
    {
      name: 'the-service-loads-no-generator',
      comment:
        'It serves docs/openapi.json, which `npm run openapi` has made of src/http/openapi/.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/http/openapi/' },
      to: { path: '^src/http/openapi/' },
    },
    onlyFrom('only-observability-logs-with-pino', 'pino|pino-http', '^src/observability/'),
    onlyFrom('only-observability-traces', '@opentelemetry/[^/]+', '^src/observability/'),
    {
      name: 'tracing-is-loaded-on-demand',
      comment: 'Where nobody wants spans none of it is loaded.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/observability/trac' },
      to: {
        path: '^src/observability/trac',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    onlyFrom('only-postgres-imports-pg', 'pg', '^src/storage/postgres/'),
    onlyFrom('only-the-generator-imports-zod-openapi', 'zod-openapi', '^src/http/openapi/'),
    {
      name: 'src-ships-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(tests|bench|scripts)/' },
    },
    {
      name: 'src-needs-no-dev-dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable-and-declared',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['unknown', 'undetermined', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true, // `import type` counts, too
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
