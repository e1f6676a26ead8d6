import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { plantTree } from '../support/plantTree.ts';
import { runScript } from '../support/runScript.ts';

const script = 'scripts/checkRepo.ts';

function check(files: Record<string, string>) {
  using tree = plantTree({ '.gitignore': 'node_modules\n.data/\n', ...files });
  execFileSync('git', ['init', '--quiet'], { cwd: tree.root });
  return runScript([script, tree.root]);
}

const lock = (entry: object) => JSON.stringify({ packages: { '': {}, 'node_modules/zod': entry } });

// Put together here, so that this file names no such path itself.
const home = ['', 'root', 'notes.txt'].join('/');

describe('The repository', () => {
  test('may hold addresses, relative paths and a lock file without hosts', () => {
    const { ok, lines } = check({
      'package-lock.json': lock({ version: '4.0.0', integrity: 'sha512-x', funding: 'https://example.com' }),
      'src/a.ts': `const a = 'https://example.com${home}'; // ./tmp/x and src${home}`,
      '.data/key': home,
    });
    expect(lines).toEqual(['Repository: 3 files read, 0 traces of one machine.']);
    expect(ok).toBe(true);
  });

  test('is caught when the lock file names a registry', () => {
    const { ok, lines } = check({
      'package-lock.json': lock({ resolved: 'https://registry.example/zod.tgz' }),
    });
    expect(lines[0]).toContain('node_modules/zod is locked to https://registry.example/zod.tgz');
    expect(ok).toBe(false);
  });

  test('is caught when a file names a path of one machine', () => {
    const { ok, lines } = check({ 'docs/notes.md': `first\nsee ${home}` });
    expect(lines[0]).toBe(`docs/notes.md:2: ${home} is a path of one machine.`);
    expect(ok).toBe(false);
  });

  test('holds no trace of one machine', () => {
    expect(runScript([script])).toMatchObject({ ok: true });
  });
});
