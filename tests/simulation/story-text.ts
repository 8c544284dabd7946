import type { Command } from '../../src/domain/commands.js';
import type { Life, Step, Story } from './story.js';

/** The story as a person reads it. */
export function describeStory({ seed, lives }: Story): string {
  const told = lives.flatMap((life, index) => [
    `life ${index + 1}: ${describeEnding(life)}`,
    ...(life.clockMoved === 0 ? [] : [`  the wall clock is set ${life.clockMoved} ms before it`]),
    ...life.faults.map((fault) => `  at operation ${fault.at}: ${fault.kind}`),
    ...life.clients.flatMap((steps, client) =>
      steps.map((step) => `  client ${client + 1}: ${describeStep(step)}`),
    ),
    ...life.damage.map(({ kind, file, place }) => `  damage: ${kind} of ${file} at ${place}`),
  ]);
  return [`seed ${seed}`, ...told].join('\n');
}

export function describeEnding({ ending }: Life): string {
  return ending === 'stop' ? 'stops clean' : `${ending.by} at operation ${ending.at}`;
}

export function describeStep(step: Step): string {
  switch (step.do) {
    case 'ask': {
      const { name, keyed, command } = step.request;
      return `${name}${keyed ? '' : ' (no key)'}: ${describeCommand(command)}`;
    }
    case 'read':
      return `read ${step.storeId}/${step.sku}`;
    case 'wait':
      return `wait ${step.ms} ms`;
    case 'set clock':
      return `set the clock ${step.ms} ms`;
  }
}

function describeCommand({ type, ...members }: Command): string {
  return `${type} ${JSON.stringify(members).replaceAll('"', '')}`;
}
