'use strict';

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: a name survives a rename and a search.',
};

const noAmbientClock = {
  selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
  message: 'Time comes in as a value or through Clock (src/system.ts).',
};

const processModule = {
  name: 'node:process',
  message: 'To import it reads process.stdin, which makes the stdin of our caller non-blocking.',
};

const ambient = [
  ['Date', 'now', 'Time comes in as a value or through Clock (src/system.ts).'],
  ['performance', 'now', 'Time comes in as a value or through Clock (src/system.ts).'],
  ['Math', 'random', 'Randomness comes in through Random (src/system.ts).'],
  ['process', 'env', 'The environment is read in src/main.ts and handed on as Config.'],
].map(([object, property, message]) => ({ object, property, message }));

/** @type {import('eslint').Linter.LegacyConfig} */
module.exports = {
  root: true,
  ignorePatterns: [
    '!.dependency-cruiser.cjs',
    'dist',
    'dist.*',
    'coverage',
    '.stryker-tmp',
    'data',
    'bench/output',
  ],
  env: { node: true, es2022: true },
  parserOptions: { ecmaVersion: 'latest', sourceType: 'module' },
  extends: ['eslint:recommended', 'prettier'],
  reportUnusedDisableDirectives: true,
  overrides: [
    {
      files: ['*.ts', 'scripts/*.mjs'],
      parser: '@typescript-eslint/parser',
      parserOptions: { projectService: true, tsconfigRootDir: __dirname },
      plugins: ['@typescript-eslint'],
      extends: ['plugin:@typescript-eslint/strict-type-checked', 'prettier'],
      rules: {
        '@typescript-eslint/no-floating-promises': 'error',
        '@typescript-eslint/no-misused-promises': 'error',
        '@typescript-eslint/no-explicit-any': 'error',
        '@typescript-eslint/consistent-type-imports': 'error',
        '@typescript-eslint/switch-exhaustiveness-check': 'error',
        '@typescript-eslint/no-confusing-void-expression': [
          'error',
          { ignoreArrowShorthand: true },
        ],
        '@typescript-eslint/no-unnecessary-condition': [
          'error',
          { allowConstantLoopConditions: 'only-allowed-literals' },
        ],
        '@typescript-eslint/no-unused-vars': [
          'error',
          { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' },
        ],
        // Numbers read well in a template; objects, null and undefined do not.
        '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
        // A port's method is async because a slower driver of it waits, whether or not this one does.
        '@typescript-eslint/require-await': 'off',
        // What createX returns closes over its state: its methods have no `this` to lose.
        '@typescript-eslint/unbound-method': 'off',
        'no-restricted-syntax': ['error', noDefaultExport],
        'no-restricted-imports': ['error', processModule],
        eqeqeq: 'error',
      },
    },
    {
      files: ['src/**/*.ts'],
      excludedFiles: [
        'src/system.ts',
        'src/client/environment.ts',
        'src/main.ts',
        'src/cli/**/*.ts',
      ],
      rules: {
        'no-restricted-properties': ['error', ...ambient],
        'no-restricted-syntax': ['error', noDefaultExport, noAmbientClock],
      },
    },
    {
      files: ['tests/**/*.ts', 'bench/**/*.ts'],
      rules: {
        // A response body is `any`, and an assertion on it is the check.
        '@typescript-eslint/no-non-null-assertion': 'off',
        '@typescript-eslint/no-unsafe-argument': 'off',
        '@typescript-eslint/no-unsafe-assignment': 'off',
        '@typescript-eslint/no-unsafe-member-access': 'off',
      },
    },
    {
      files: ['scripts/*.mjs'],
      rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
    },
    {
      files: ['vitest.config.ts', 'vitest.mutants.config.ts', 'vitest.stryker.config.ts'],
      rules: { 'no-restricted-syntax': 'off' },
    },
    {
      files: ['*.cjs'],
      parserOptions: { sourceType: 'script' },
    },
  ],
};
