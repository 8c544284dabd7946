/* eslint-disable @typescript-eslint/no-unsafe-call --
   what a YAML file holds is `any`, and an assertion on it is the check */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployYaml } from '../support/deploy-files.js';
import { promtoolFaults, promtoolIsMissing } from '../support/promtool.js';
import { familiesOf, scrapeOfBusyServer } from '../support/scrape.js';
import { cleanUp } from '../support/spawned-server.js';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly h: number;
    readonly w: number;
    readonly x: number;
    readonly y: number;
  };
  readonly targets?: readonly { readonly expr: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

const [{ groups }] = deployYaml('prometheus/alerts.yaml');
const rules = (groups as { rules: Rule[] }[]).flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8'));
const panels = dashboard.panels as Panel[];
const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

describe('alerts and dashboard', () => {
  /** Every name that a scrape has, with the labels that go with it. */
  const known = new Map<string, readonly string[]>([['up', ['job', 'instance']]]);
  beforeAll(async () => {
    for (const { name, type, labels } of familiesOf((await scrapeOfBusyServer()).text)) {
      const all = [...labels, 'job', 'instance'];
      if (type !== 'histogram') known.set(name, all);
      else {
        known.set(`${name}_bucket`, [...all, 'le']);
        for (const part of ['sum', 'count']) known.set(`${name}_${part}`, all);
      }
    }
  });
  afterAll(cleanUp);

  it.each([
    ['alerts', rules.map(({ expr }) => expr)],
    ['dashboard', shown],
  ])('%s ask for metrics and labels that a real server has', (_file, expressions) => {
    expect(expressions.length).toBeGreaterThan(10);
    for (const expression of expressions) {
      const names = expression.match(/\b(?:inventory|process|nodejs)_[a-z_]+|\bup\b/g) ?? [];
      expect(names, expression).not.toEqual([]);
      for (const name of names) expect([...known.keys()], expression).toContain(name);
      const labels = names.flatMap((name) => known.get(name) ?? []);
      for (const label of labelsIn(expression)) expect(labels, expression).toContain(label);
    }
  });

  it('are the same for the Prometheus operator: `npm run alerts` writes them there', () => {
    const [{ spec }] = deployYaml('kubernetes/monitored/prometheusrule.yaml');

    expect(spec).toEqual({ groups });
  });

  it('show everything that an alert is about', () => {
    const text = shown.join();
    const hidden = rules
      .flatMap(({ expr }) => expr.match(/\binventory_[a-z_]+/g) ?? [])
      .filter((name) => !text.includes(name) && name !== 'inventory_storage_warnings_total');

    expect(hidden).toEqual([]);
  });

  it.each(rules)('$alert says how bad it is, and what it is', ({ labels, annotations }) => {
    expect(labels.severity).toMatch(/^(?:critical|warning)$/);
    expect(annotations.summary).toMatch(/\.$/);
  });

  it('name the job that is scraped', () => {
    const [{ scrape_configs: jobs }] = deployYaml('prometheus/prometheus.yaml');
    const [{ services }] = deployYaml('compose.yaml');

    expect(jobs).toMatchObject([{ job_name: 'inventory', metrics_path: '/metrics' }]);
    const [host, port] = jobs[0].static_configs[0].targets[0].split(':');
    expect(services).toHaveProperty(host);
    expect(services[host].ports[0]).toMatch(new RegExp(`:${port}$`));
    const named = rules.flatMap(({ expr }) => expr.match(/job="([^"]+)"/)?.[1] ?? []);
    expect(new Set(named)).toEqual(new Set(['inventory']));
  });

  const noPromtool = promtoolIsMissing();
  it.skipIf(noPromtool).each([
    ['check', 'rules', 'deploy/prometheus/alerts.yaml'],
    ['test', 'rules', 'deploy/prometheus/alerts.test.yaml'],
    ['check', 'config', 'deploy/prometheus/prometheus.yaml'],
  ])('promtool %s %s %s finds nothing wrong', (...command) => {
    expect(promtoolFaults(command)).toBe('');
  });

  it('have every panel in a place of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(x, title).toBeLessThan(24);
          expect(taken, title).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

/** Those that are matched on, and those that are grouped by. */
function labelsIn(expression: string): string[] {
  const matched = [...expression.matchAll(/[{,]\s*([a-z_]+)\s*(?:=~|!=|=)/g)];
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)];
  return [
    ...matched.map(([, label = '']) => label),
    ...grouped.flatMap(([, list = '']) => list.split(',').map((label) => label.trim())),
  ];
}
