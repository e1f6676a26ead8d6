import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const run = promisify(execFile);
const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Where the browser is; null when there is none on the PATH. */
export function findChromium(): string | null {
  for (const name of names)
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {}
    }
  return null;
}

/** Where the browser is, having seen to it as root on Debian. */
export async function ensureChromium(): Promise<string | null> {
  const found = findChromium();
  if (found || process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return found;
  const install = () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  await install()
    .catch(() => run('apt-get', ['update']).then(install))
    .catch(() => {});
  return findChromium();
}

export function launchChromium(executablePath: string): Promise<Browser> {
  // Root has no sandbox to give away, and containers a small /dev/shm.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
