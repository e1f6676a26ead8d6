import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders that hold nothing of ours: installed, generated, built, or data. */
const foreign = new Set(['node_modules', '.git', '.data', 'generated', 'dist', 'coverage']);

/** Every file of the project, whether committed yet or not, as paths from the root with forward slashes. */
export function projectFiles(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !foreign.has(entry.name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? projectFiles(root, path) : [path];
    })
    .sort();
}
