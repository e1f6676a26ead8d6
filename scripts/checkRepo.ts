// Nothing of one machine may be committed: node scripts/checkRepo.ts [root]

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? `${import.meta.dirname}/..`);
const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
});
const files = listed
  .toString()
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));

const problems = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const inLock = file.endsWith('package-lock.json') ? lockedHosts(text) : [];
  return [...inLock, ...foreignPaths(text)].map((problem) => `${file}${problem}`);
});
if (files.length === 0) problems.push('Git lists no files: there is nothing to check.');
for (const problem of problems) console.error(problem);
console.log(`Repository: ${files.length} files read, ${problems.length} traces of one machine.`);
if (problems.length > 0) process.exit(1);

/** An install takes a package from whatever registry it is configured for; the integrity hash says it is the right one. */
function lockedHosts(text: string): string[] {
  const { packages = {} } = JSON.parse(text) as { packages?: Record<string, { resolved?: string }> };
  return Object.entries(packages)
    .filter(([, { resolved }]) => resolved?.includes(':'))
    .map(
      ([name, { resolved }]) => `: ${name} is locked to ${resolved}; set omit-lockfile-registry-resolved.`,
    );
}

function foreignPaths(text: string): string[] {
  if (text.includes('\0')) return []; // an image or the like
  const homes = /(?<![\w.)}/-])\/(work|root|tmp|home\/\w+|Users\/\w+)\/\w[\w./-]*/;
  return text.split('\n').flatMap((line, index) => {
    const path = homes.exec(line)?.[0];
    return path ? [`:${index + 1}: ${path} is a path of one machine.`] : [];
  });
}
