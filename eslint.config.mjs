// The rules live in .eslintrc.cjs. ESLint 10 alone does not read that file: FlatCompat translates it.
import { createRequire } from 'node:module';
import { FlatCompat } from '@eslint/eslintrc';
import js from '@eslint/js';

const rules = createRequire(import.meta.url)('./.eslintrc.cjs');
const compat = new FlatCompat({
  baseDirectory: import.meta.dirname,
  recommendedConfig: js.configs.recommended,
});

export default compat.config(rules);
