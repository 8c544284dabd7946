/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return --
   what a YAML file holds is `any`, and an assertion on it is the check */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import { committedDocument } from '../support/committed-document.js';
import { deployYaml, kubectlIsMissing, kustomized } from '../support/deploy-files.js';
import { schemaFaults } from '../support/kubernetes-schema.js';

const [statefulSet] = deployYaml('kubernetes/base/statefulset.yaml');
const pod = statefulSet.spec.template.spec;
const [container] = pod.containers;
const environment: Record<string, string> = Object.fromEntries(
  container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
);
const config = readConfig(environment);
const paths = committedDocument()['paths'] as Record<string, object>;

describe('the Kubernetes manifests', () => {
  const noKubectl = kubectlIsMissing();

  it.skipIf(noKubectl)('are what Kubernetes expects, as kustomize renders them', () => {
    const objects = kustomized('monitored') ?? [];

    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'PodDisruptionBudget inventory',
      'PrometheusRule inventory',
      'Service inventory',
      'Service inventory-pods',
      'ServiceMonitor inventory',
      'StatefulSet inventory',
    ]);
    expect(schemaFaults(objects)).toEqual([]);
  });

  it.skipIf(noKubectl)('would not be, with a wrong value or a member that there is not', () => {
    const [budget] = (kustomized('base') ?? []).filter(
      ({ kind }) => kind === 'PodDisruptionBudget',
    );
    const misspelt = { ...budget, spec: { ...budget.spec, maxUnavailible: 1 } };
    const mistyped = { ...budget, spec: { ...budget.spec, unhealthyPodEvictionPolicy: 7 } };

    expect(schemaFaults([misspelt])).toEqual([expect.stringContaining('maxUnavailible')]);
    expect(schemaFaults([mistyped])[0]).toContain('unhealthyPodEvictionPolicy');
  });

  it.skipIf(noKubectl)('select the pods that they are about, and scrape them once', () => {
    const objects = kustomized('monitored') ?? [];
    const ofKind = (kind: string) => objects.filter((each) => each.kind === kind);
    const [set] = ofKind('StatefulSet');
    const podLabels = set.spec.template.metadata.labels;
    const services = ofKind('Service');

    expect(podLabels).not.toEqual({});
    expect(set.spec.selector.matchLabels).toEqual(podLabels);
    expect(ofKind('PodDisruptionBudget')[0].spec.selector.matchLabels).toEqual(podLabels);
    for (const { spec } of services) expect(spec.selector).toEqual(podLabels);
    expect(services.map(({ metadata }) => metadata.name)).toContain(set.spec.serviceName);

    const [monitor] = ofKind('ServiceMonitor');
    const scraped = services.filter(({ metadata }) =>
      Object.entries(monitor.spec.selector.matchLabels).every(
        ([label, value]) => metadata.labels[label] === value,
      ),
    );
    expect(scraped.map(({ metadata }) => metadata.name)).toEqual(['inventory']);
    const ports = scraped[0].spec.ports.map(({ name }: { name: string }) => name);
    expect(ports).toContain(monitor.spec.endpoints[0].port);
    expect(Object.keys(paths)).toContain(monitor.spec.endpoints[0].path);
    expect(scraped[0].metadata.labels[monitor.spec.jobLabel]).toBe('inventory');
  });

  it('probe paths that there are, on the port that is listened on', () => {
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];

    for (const { httpGet } of probes) {
      expect(Object.keys(paths)).toContain(httpGet.path);
      expect(httpGet.port).toBe('http');
    }
    expect(container.ports).toEqual([{ name: 'http', containerPort: config.port }]);
    expect(config.port).toBe(readConfig({}).port);
    expect(config.host).toBe('0.0.0.0');
    const named = deployYaml('kubernetes/base/service.yaml').map(({ spec }) => spec.ports[0]);
    for (const { targetPort } of named) expect(targetPort).toBe('http');
  });

  it('leave time for a shutdown: until nobody sends any more, and for what is in flight', () => {
    const [command, seconds] = container.lifecycle.preStop.exec.command;
    const grace = pod.terminationGracePeriodSeconds;

    expect(command).toBe('sleep');
    // Behind that come the last sync of the aggregate, the clean mark, and the last spans.
    expect(grace - Number(seconds) - config.shutdownGraceMs / 1_000).toBeGreaterThanOrEqual(15);
    expect(config.shutdownGraceMs).toBe(readConfig({}).shutdownGraceMs);
  });

  it('set nothing that the service does not read', () => {
    const known = readFileSync('src/config.ts', 'utf8');

    for (const name of Object.keys(environment)) {
      if (name !== 'NODE_OPTIONS') expect(known).toMatch(new RegExp(`\\b${name}:`));
    }
    expect(config.environment).toBe('production');
  });

  it('give it a disk of its own, room in memory, and no rights that it does not need', () => {
    const [mount] = container.volumeMounts;
    expect(`${config.dataDir}/`).toMatch(new RegExp(`^${mount.mountPath}/`));
    expect(statefulSet.spec.volumeClaimTemplates[0].metadata.name).toBe(mount.name);
    expect(statefulSet.spec.replicas).toBe(1);

    const heapMiB = Number(/--max-old-space-size=(\d+)/.exec(environment['NODE_OPTIONS']!)?.[1]);
    const limitMiB = Number(/^(\d+)Gi$/.exec(container.resources.limits.memory)?.[1]) * 1024;
    expect(heapMiB).toBeLessThanOrEqual(limitMiB * 0.75);

    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
  });
});
