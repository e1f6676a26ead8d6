import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');

/** Runs a script of this repository to its end: `runScript(['scripts/checkDocs.ts', root])`. */
export function runScript(args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: repository,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { ok: status === 0, lines: `${stderr}${stdout}`.split('\n').filter((line) => line !== '') };
}
