// npm run alerts: the alerts of deploy/prometheus as an object of the Prometheus operator.
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const SOURCE = 'deploy/prometheus/alerts.yaml';
const TARGET = 'deploy/kubernetes/monitored/prometheusrule.yaml';

const rule = {
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'inventory', labels: { 'app.kubernetes.io/name': 'inventory' } },
  spec: parse(readFileSync(SOURCE, 'utf8')) as unknown,
};
writeFileSync(TARGET, `# Made by \`npm run alerts\` from ${SOURCE}.\n${stringify(rule)}`);
