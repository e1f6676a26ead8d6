// Holds the law of imports: node scripts/checkImports.ts [root]

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { law, layers, mayReadDatabase } from './importLaw.ts';
import { projectFiles } from './projectFiles.ts';

// dependency-cruiser parses with the JavaScript API of TypeScript, which version 7 no longer has: it would overlook
// TypeScript, or guess at it, and report success. It gets version 6, installed under another name.
registerHooks({
  resolve: (name, context, next) => next(name.replace(/^typescript(?=$|\/)/, 'typescript6'), context),
});
const { allExtensions, cruise } = await import('dependency-cruiser');

process.chdir(resolve(process.argv[2] ?? `${import.meta.dirname}/..`));
const files = projectFiles('.').filter((path) => /\.(ts|tsx|mts|js|jsx|mjs)$/.test(path));

const { read, broken } = await checkLaw();
const problems = [...unread(), ...broken, ...files.flatMap(checkFile)];
for (const problem of problems) console.error(problem);
console.log(`Imports: ${read.size} modules read, ${problems.length} violations.`);
if (problems.length > 0) process.exit(1);

/** What dependency-cruiser says: the modules whose imports it followed, and a sentence for each broken rule. */
async function checkLaw() {
  if (files.length === 0) return { read: new Set<string>(), broken: [] };
  const { output } = await cruise(files, {
    validate: true,
    ruleSet: { forbidden: law },
    tsPreCompilationDeps: true, // `import type` counts
    doNotFollow: { path: ['node_modules', '(^|/)generated/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  });
  if (typeof output === 'string') throw new Error(output);
  const broken = output.summary.violations.map(({ from, to, rule, cycle }) => {
    const path = cycle ? cycle.map(({ name }) => name).join(' -> ') : to;
    return `${from} imports ${path}: ${law.find(({ name }) => name === rule.name)?.comment}.`;
  });
  const seen = new Set(output.modules.map(({ source }) => source));
  return { read: new Set(files.filter((path) => seen.has(path))), broken };
}

/** A checker that reads nothing finds nothing. */
function unread(): string[] {
  const parser = allExtensions.find(({ extension }) => extension === '.ts');
  if (!parser?.available) return ['TypeScript 6 is not installed as typescript6: the law cannot be checked.'];
  if (files.length === 0) return ['There is no module to read: the law cannot be checked.'];
  return files
    .filter((path) => !read.has(path))
    .map((path) => `${path} was not read: the law was not checked.`);
}

/** The rules that are about a file itself. */
function checkFile(path: string): string[] {
  const code = withoutComments(readFileSync(path, 'utf8'));
  const [top, folder] = path.split('/');
  const layer = folder?.replace(/\.ts$/, '') ?? '';
  return [
    top === 'src' &&
      !layers.flat().includes(layer) &&
      `${path} is in no layer: give src/${folder} a line in scripts/importLaw.ts.`,
    /(^|\/)(utils?|helpers?|common)(\/|\.\w+$)/.test(path) &&
      `${path}: no utils, helpers or common; name the concept.`,
    /(^|\/)index\.\w+$/.test(path) &&
      onlyReexports(code) &&
      `${path} only re-exports: import from the file that holds the thing.`,
    path.startsWith('src/schema/') &&
      !mayReadDatabase.test(path) &&
      /\bprisma\s*\??\.|\.db\b|[{,]\s*db\s*[,}:]/.test(code) &&
      `${path} reaches for the database: data comes only through the read helpers.`,
  ].filter((problem) => problem !== false);
}

function onlyReexports(code: string): boolean {
  const reexport = /\b(import|export)\b[\w\s*,{}]*from\s*(['"]).*?\2;?|\bexport\s*\{[^}]*\};?/g;
  return code.replace(reexport, '').trim() === '';
}

function withoutComments(code: string): string {
  return code.replace(/('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|\/\/.*|\/\*[\s\S]*?\*\//g, '$1');
}
