// Builds the dashboard: node scripts/buildDashboard.ts [--when-needed]
// With --when-needed, as before `npm start`, only if it is missing or older than what it is made of.

import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'dashboard');
const dist = join(folder, 'dist');
const built = join(dist, 'index.html');
const whenNeeded = process.argv.includes('--when-needed');

if (!whenNeeded || !existsSync(built) || newestSource() > statSync(built).mtimeMs)
  await build().catch((error: Error) => {
    console.error(`The dashboard could not be built: ${error.message}`);
    // The gateway serves everything else without it.
    process.exit(whenNeeded ? 0 : 1);
  });

async function build(): Promise<void> {
  // Whoever calls: under tests it would become React's development build.
  process.env.NODE_ENV = 'production';
  const vite = await import('vite').catch(() => null);
  if (!vite) {
    console.error('The dashboard is not built: that needs the development packages (npm ci, npm run build).');
    process.exit(whenNeeded ? 0 : 1);
  }
  const since = performance.now();
  // Put in its place when it is whole: a gateway that starts meanwhile must not find half of it.
  const fresh = join(root, `node_modules/.dashboard-${process.pid}`);
  await vite.build({
    configFile: join(folder, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: fresh, emptyOutDir: true },
  });
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
  console.log(`Built the dashboard in ${((performance.now() - since) / 1_000).toFixed(1)} s.`);
}

function newestSource(): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !file.startsWith(dist) &&
        !file.startsWith(join(folder, 'screenshots')) &&
        !/[/\\]generated[/\\]/.test(file),
    );
  const all = [...files, join(root, 'package-lock.json')];
  return Math.max(...all.map((file) => statSync(file).mtimeMs));
}
