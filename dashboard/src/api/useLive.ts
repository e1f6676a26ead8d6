import { useEffect, useState } from 'react';
import type { Gateway } from './gateway.ts';
import { type Live, type LiveState, type Stream, startLive } from './live.ts';
import { useSession } from './session.tsx';
import { createStore, useStore } from './store.ts';

export interface LiveView<Data> extends LiveState<Data> {
  retry(): void;
  readAgain(): void;
  change: Live<Data>['change'];
}

/** `startLive` for as long as the component is shown; afresh when `key` changes. */
export function useLive<Data>(
  key: string,
  read: (gateway: Gateway) => Promise<Data>,
  streams: () => readonly Stream<Data>[],
): LiveView<Data> {
  const { gateway } = useSession();
  const [live, setLive] = useState<{ key: string; live: Live<Data> } | null>(null);

  useEffect(() => {
    const started = startLive(gateway, read, streams());
    setLive({ key, live: started });
    return started.stop;
  }, [gateway, key]);

  const current = live?.key === key ? live.live : null;
  const state = useStore((current?.state ?? nothingYet) as Live<Data>['state']);
  return {
    ...state,
    retry: () => current?.retry(),
    readAgain: () => current?.readAgain(),
    change: (change) => current?.change(change),
  };
}

const nothingYet = createStore<LiveState<never>>({
  phase: 'loading',
  data: undefined,
  currentAt: 0,
  problem: undefined,
  readAfreshAt: undefined,
});
