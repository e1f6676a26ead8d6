// Every command, path and link that the documents name must exist: node scripts/checkDocs.ts [root]

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { projectFiles } from './projectFiles.ts';

const root = resolve(process.argv[2] ?? `${import.meta.dirname}/..`);
const files = projectFiles(root);
const folders = new Set(
  files
    .map((file) => dirname(file))
    .filter((folder) => folder !== '.')
    .flatMap(withParents),
);
const { scripts = {} } = JSON.parse(read('package.json')) as { scripts?: Record<string, string> };
// What git ignores is made by a command, so it need not be there.
const ignored = existsSync(join(root, '.gitignore')) ? read('.gitignore').split('\n').filter(Boolean) : [];

const documents = files.filter((file) => /^((README|ARCHITECTURE)\.md|docs\/.*\.md)$/.test(file));
const problems = documents.flatMap(checkDocument);
if (documents.length === 0) problems.push('There is no README.md, ARCHITECTURE.md or docs/*.md to check.');
for (const problem of problems) console.error(problem);
console.log(`Documents: ${documents.length} read, ${problems.length} dead references.`);
if (problems.length > 0) process.exit(1);

function checkDocument(document: string): string[] {
  const text = read(document);
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, '');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  const shell = [...text.matchAll(/^ *```(?:sh|bash|console)?\n([\s\S]*?)^ *```/gm)].map(
    ([, block = '']) => block,
  );
  const commands = [...shell, ...spans];
  const words = commands.flatMap((command) => command.split(/\s+/));
  const links = prose.replace(/`[^`\n]+`/g, '').matchAll(/\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)/gm);

  const dead = [
    ...commands.flatMap(deadCommands),
    ...words
      .filter((word) => looksLikePath(word) && !pathExists(word, document))
      .map((path) => `\`${path}\``),
    ...[...links]
      .map(([, inline, named]) => inline ?? named ?? '')
      .filter((target) => !linkLeadsSomewhere(target, document)),
  ];
  return [...new Set(dead)].map((what) => `${document} names ${what}, which does not exist.`);
}

function deadCommands(text: string): string[] {
  const npm = text.matchAll(/\bnpm (?:run (?:--?\S+ )*([\w:.-]+)|(test|start)\b)/g);
  const node = text.matchAll(/(?:^|[\s;&|(])node (?:--?\S+ )*([\w./-]+\.[cm]?[jt]s)\b/gm);
  const names = [...npm].map(([, name, short]) => name ?? short ?? '');
  const paths = [...node].map(([, path = '']) => path);
  return [
    ...names.filter((name) => !(name in scripts)).map((name) => `the command \`npm run ${name}\``),
    ...paths.filter((path) => !existsSync(join(root, path))).map((path) => `\`node ${path}\``),
  ];
}

/** A path of this repository: it begins with one of its folders, ends in a slash, or has the ending of a source file. */
function looksLikePath(word: string): boolean {
  if (!/^[\w.@*-][\w.@*/-]*$/.test(word) || word.includes('...')) return false;
  if (word === 'index.ts') return false; // named to say that there is none
  const [top, ...rest] = word.split('/');
  if (/\.(ts|tsx|mjs|cjs|js|json|md|sql|graphql|prisma|yml|yaml|sh|toml)$/.test(word)) return true;
  return rest.length > 0 && (folders.has(top!) || (word.endsWith('/') && !word.includes('.')));
}

/** A path may be written from the root, from the document, or from any folder (`core/database.ts`); `*` is any name. */
function pathExists(word: string, document: string): boolean {
  const path = word.replace(/^\.\//, '').replace(/\/$/, '');
  if (ignored.some((pattern) => isUnder(pattern, path))) return true;
  if (existsSync(join(root, path)) || existsSync(join(root, dirname(document), path))) return true;
  const name = new RegExp(`(^|/)${path.replace(/[.]/g, '\\.').replace(/\*+/g, '[^/]*')}$`);
  return [...files, ...folders].some((known) => name.test(known));
}

/** As in .gitignore: `*.log` is an ending, anything else a folder. */
function isUnder(pattern: string, path: string): boolean {
  if (pattern.startsWith('*')) return path.endsWith(pattern.slice(1));
  return `/${path}/`.includes(`/${pattern.replace(/^\/|\/$/g, '')}/`);
}

function linkLeadsSomewhere(target: string, document: string): boolean {
  if (/^([a-z]+:|\/\/)/.test(target)) return true;
  const [path, anchor] = target.split('#') as [string, string | undefined];
  const file = path === '' ? document : normalize(join(dirname(document), decodeURI(path)));
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || !file.endsWith('.md') || anchors(read(file)).includes(anchor);
}

/** The anchors that GitHub gives to headings: lower case, hyphens for spaces, a number for a repeated one. */
function anchors(text: string): string[] {
  const headings = text.replace(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/^#{1,6} +(.+?) *#*$/gm);
  const counts = new Map<string, number>();
  return [...headings].map(([, heading = '']) => {
    const words = heading.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

function withParents(folder: string): string[] {
  return folder === '.' ? [] : [folder, ...withParents(dirname(folder))];
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
