import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');

export const distFolder = join(root, 'dashboard/dist');

/** As `npm start` does it: the dashboard is built when it is missing or older than its sources. */
export async function ensureBuilt(): Promise<void> {
  await promisify(execFile)(process.execPath, ['scripts/buildDashboard.ts', '--when-needed'], { cwd: root });
}
