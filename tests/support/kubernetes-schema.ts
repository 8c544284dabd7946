import path from 'node:path';
import {
  PrometheusRule,
  ServiceMonitor,
} from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Service } from 'kubernetes-models/v1';
import ts from 'typescript';

interface KubernetesObject {
  readonly kind: string;
}

const OPERATOR = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';

/** By kind: a model with Kubernetes' own schema in it, and where its type is from. */
const MODELS = {
  StatefulSet: { Model: StatefulSet, module: 'kubernetes-models/apps/v1' },
  Service: { Model: Service, module: 'kubernetes-models/v1' },
  PodDisruptionBudget: { Model: PodDisruptionBudget, module: 'kubernetes-models/policy/v1' },
  ServiceMonitor: { Model: ServiceMonitor, module: OPERATOR },
  PrometheusRule: { Model: PrometheusRule, module: OPERATOR },
} as const;

/**
 * What Kubernetes' schemas find wrong with the objects. They let unknown members pass, which is how
 * a misspelt probe is lost: hence the objects are also compiled as literals of the types that were
 * made from the same schemas.
 */
export function schemaFaults(objects: readonly KubernetesObject[]): string[] {
  return [...objects.flatMap(valueFaults), ...memberFaults(objects)];
}

function modelOf({ kind }: KubernetesObject) {
  if (!(kind in MODELS)) throw new Error(`there is no schema here for ${kind}`);
  return MODELS[kind as keyof typeof MODELS];
}

function valueFaults(object: KubernetesObject): string[] {
  const { Model } = modelOf(object);
  try {
    new Model(object as never).validate();
    return [];
  } catch (error) {
    return [`${object.kind}: ${String(error)}`];
  }
}

function memberFaults(objects: readonly KubernetesObject[]): string[] {
  const file = path.resolve('tests/kubernetes-objects.ts');
  const source = objects
    .map((object, index) => {
      const type = `import(${JSON.stringify(modelOf(object).module)}).I${object.kind}`;
      return `export const object${index}: ${type} = ${JSON.stringify(object, null, 2)};\n`;
    })
    .join('');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  // The file is nowhere on disk, but where it finds the types.
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? source : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}
