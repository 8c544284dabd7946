// A setup file of every test file: an answer that the API description does not describe fails the
// test during which it was given. Nobody has to ask for it.
import { afterAll, afterEach, expect } from 'vitest';
import { undescribedAnswers, watchThisProcess } from './observed-answers.js';

watchThisProcess();

async function expectDescribedAnswers(): Promise<void> {
  expect(await undescribedAnswers()).toEqual([]);
}

afterEach(expectDescribedAnswers);
// What came after the last test had ended.
afterAll(expectDescribedAnswers);
