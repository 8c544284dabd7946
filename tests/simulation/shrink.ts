import type { Life, Story } from './story.js';

/** A smaller story is tried this often at the most. */
const ATTEMPTS_MAX = 600;

/**
 * The smallest story that is left when everything is taken out that the failure does not need.
 * `fails`: whether a story still does.
 */
export async function shrink(
  story: Story,
  fails: (smaller: Story) => Promise<boolean>,
): Promise<Story> {
  let smallest = story;
  let attempts = 0;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const smaller of smallerStories(smallest)) {
      if (attempts >= ATTEMPTS_MAX) return smallest;
      attempts += 1;
      if (!(await fails(smaller))) continue;
      smallest = smaller;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** Each with one thing less; those with much less come first. */
function* smallerStories(story: Story): Iterable<Story> {
  const { lives } = story;
  for (const index of lives.keys()) yield { ...story, lives: lives.toSpliced(index, 1) };
  for (const [index, life] of lives.entries()) {
    for (const smaller of smallerLives(life)) {
      yield { ...story, lives: lives.with(index, smaller) };
    }
  }
}

function* smallerLives(life: Life): Iterable<Life> {
  const { clients, faults, damage } = life;
  for (const index of clients.keys()) yield { ...life, clients: clients.toSpliced(index, 1) };
  for (const [index, steps] of clients.entries()) {
    const half = Math.ceil(steps.length / 2);
    for (let size = half; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < steps.length; at += size) {
        yield { ...life, clients: clients.with(index, steps.toSpliced(at, size)) };
      }
    }
  }
  for (const index of faults.keys()) yield { ...life, faults: faults.toSpliced(index, 1) };
  for (const index of damage.keys()) yield { ...life, damage: damage.toSpliced(index, 1) };
  if (life.clockMoved !== 0) yield { ...life, clockMoved: 0 };
}
