import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import { committedDocument } from '../support/committed-document.js';
import { deployYaml } from '../support/deploy-files.js';

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

/** The instructions of the Dockerfile, stage by stage: each begins with its FROM. */
function dockerfileStages(): Instruction[][] {
  const text = readFileSync('Dockerfile', 'utf8').replaceAll(/^#.*\n/gm, '');
  const stages: Instruction[][] = [];
  for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) {
    const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === 'FROM') stages.push([]);
    if (name !== '') stages.at(-1)?.push({ name, rest });
    else expect(line.trim()).toBe('');
  }
  return stages;
}

const stages = dockerfileStages();
const final = stages.at(-1) ?? [];
const of = (name: string): string[] =>
  final.filter((each) => each.name === name).map(({ rest }) => rest);
const environment = Object.fromEntries(
  of('ENV').flatMap((rest) => rest.split(' ').map((pair) => pair.split('=') as [string, string])),
);
const config = readConfig(environment);

describe('the Dockerfile', () => {
  it('builds in one stage, and ships another, both on Node 24', () => {
    expect(stages).toHaveLength(2);
    for (const [from] of stages) expect(from?.rest).toMatch(/^node:24-bookworm-slim\b/);
    expect(final.some(({ name, rest }) => name === 'RUN' && rest.includes('npm'))).toBe(false);
  });

  it('copies what there is, and only that gets into the build', () => {
    const ignored = readFileSync('.dockerignore', 'utf8').split('\n');
    const sources = stages
      .flat()
      .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));

    expect(ignored).toContain('*');
    for (const source of sources) {
      expect(existsSync(source), source).toBe(true);
      expect(
        ignored.some((line) => [`!${source}`, `!${source}/`].includes(line)),
        source,
      ).toBe(true);
    }
    expect(ignored.filter((line) => line.startsWith('!'))).toHaveLength(new Set(sources).size);
  });

  it('runs the service as nobody of note, for everybody to reach, on a volume', () => {
    expect(of('USER')).toEqual(['1000:1000']);
    expect(config).toMatchObject({ host: '0.0.0.0', environment: 'production' });
    expect(of('EXPOSE')).toEqual([String(config.port)]);
    expect(of('VOLUME')).toEqual([config.dataDir]);
    expect(of('RUN').join()).toContain(`--mode=700 ${config.dataDir}`);
    // As `npm start` does, but for the compiling.
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    const command = JSON.parse(of('CMD').join()) as string[];
    expect(['exec', ...command].join(' ')).toBe(
      scripts['start']?.replace('scripts/start.mjs', 'dist/main.js'),
    );
    expect(of('STOPSIGNAL')).toEqual(['SIGTERM']);
    const [, probed = ''] = /\}(\/api[a-z/]+)`/.exec(of('HEALTHCHECK').join()) ?? [];
    expect(committedDocument()['paths']).toHaveProperty([probed, 'get']);
  });
});

describe('the compose file', () => {
  const [{ services, volumes }] = deployYaml('compose.yaml');

  it('runs the image with its volume and its port, and lets it end in peace', () => {
    const { inventory } = services;

    expect(inventory.ports).toEqual([`127.0.0.1:${config.port}:${config.port}`]);
    expect(inventory.volumes).toEqual([`data:${config.dataDir}`]);
    expect(volumes).toHaveProperty('data');
    const graceSeconds = Number(/^(\d+)s$/.exec(inventory.stop_grace_period)?.[1]);
    expect(graceSeconds - config.shutdownGraceMs / 1_000).toBeGreaterThanOrEqual(15);
    expect(inventory).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(existsSync(`deploy/${inventory.build.context}/Dockerfile`)).toBe(true);
  });

  it('mounts files that there are', () => {
    const mounts = [...services.prometheus.volumes, ...services.grafana.volumes] as string[];

    expect(mounts).toHaveLength(5);
    for (const mount of mounts) {
      const [file = ''] = mount.split(':');
      expect(existsSync(`deploy/${file}`), file).toBe(true);
    }
  });
});
