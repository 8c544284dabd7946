import { shrink } from './shrink.js';
import { describeStory } from './story-text.js';
import { tellStory } from './story.js';
import { BrokenPromise, type Sabotage, play } from './world.js';

/** Plays the story of a seed; where a promise breaks, says so with the smallest story that does it. */
export async function playSeed(seed: number, sabotage?: Sabotage) {
  const story = tellStory(seed);
  const failure = await failureOf(() => play(story, sabotage));
  if (!(failure instanceof BrokenPromise)) return failure;
  const smallest = await shrink(
    story,
    async (smaller) => (await failureOf(() => play(smaller, sabotage))) instanceof BrokenPromise,
  );
  const told = await failureOf(() => play(smallest, sabotage));
  const { message, trace } = told instanceof BrokenPromise ? told : failure;
  throw new Error(
    [
      `SEED=${seed} repeats this: ${failure.message}`,
      `The smallest story that breaks a promise: ${describeStory(smallest)}`,
      `What happens in it:`,
      ...trace,
      message,
    ].join('\n'),
    { cause: failure.cause },
  );
}

async function failureOf<T>(task: () => Promise<T>): Promise<T | BrokenPromise> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof BrokenPromise) return error;
    throw error;
  }
}
