/* eslint-disable @typescript-eslint/no-unsafe-return --
   what a YAML file holds is `any`, and an assertion on it is the check */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

/** A YAML file below deploy/: each of its documents as plain data. It must be without a fault. */
// What these files hold is looked at member by member: the assertion on it is the check.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function deployYaml(file: string): any[] {
  return yamlDocuments(readFileSync(`deploy/${file}`, 'utf8'));
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
function yamlDocuments(text: string): any[] {
  return parseAllDocuments(text, { strict: true }).map((document) => {
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    return document.toJS() as unknown;
  });
}

/** What `kubectl kustomize` makes of a folder of deploy/kubernetes; undefined: no kubectl here. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function kustomized(folder: string): any[] | undefined {
  const args = ['kustomize', `deploy/kubernetes/${folder}`];
  const { status, stdout, stderr, error } = spawnSync('kubectl', args, { encoding: 'utf8' });
  if (error !== undefined) {
    if ('code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  if (status !== 0) throw new Error(stderr);
  return yamlDocuments(stdout);
}

/** For `it.skipIf`: a check that is left out is said so. */
export function kubectlIsMissing(): boolean {
  if (kustomized('base') !== undefined) return false;
  console.warn('NOTICE: kubectl is not installed: nobody checks what kustomize makes of deploy/');
  return true;
}
