import { createStore } from '../api/store.ts';
import type { Toast } from './showToast.tsx';

/** What was done last, while it can be taken back. */
const latest = createStore<Toast | null>(null);

/** Says what was done, with a way to take it back if there is one. Its library is not part of the first screen. */
export async function toast(said: Toast): Promise<void> {
  latest.set(said.undo ? said : null);
  const { showToast } = await import('./showToast.tsx');
  showToast(said, {
    takeBack: () => void takeBack(said),
    gone: () => latest.get() === said && latest.set(null),
  });
}

/** Takes back what was done last, if that can be: once. */
export function undoLatest(): boolean {
  const said = latest.get();
  if (said) void takeBack(said);
  return said !== null;
}

async function takeBack(said: Toast): Promise<void> {
  if (latest.get() === said) latest.set(null);
  const { hideToast, showProblem } = await import('./showToast.tsx');
  hideToast(said);
  await said.undo?.().catch((problem: Error) => showProblem(`It could not be undone: ${problem.message}`));
}
