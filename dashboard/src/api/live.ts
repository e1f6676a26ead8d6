import { isCutOff } from './connection.ts';
import type { Gateway } from './gateway.ts';
import { type Document, graphql } from './graphql.ts';
import { type Problem, unreachable } from './problem.ts';
import { createStore, type Store } from './store.ts';

/** Events that come together are shown together: thirty a second must not make thirty pictures. */
const togetherMs = 80;
/** How soon after an event something is read again, and how often at most. */
const readAgainMs = 700;

export interface Arrival<Event> {
  event: Event;
  /** It happened while the line was cut. */
  missed: boolean;
}

/** What some events make of the data, in their order. */
type Apply<Data, Event> = (data: Data, arrivals: readonly Arrival<Event>[]) => Data;

/** For data that is small: one event after the other. */
export const oneByOne =
  <Data, Event>(apply: (data: Data, arrival: Arrival<Event>) => Data): Apply<Data, Event> =>
  (data, arrivals) =>
    arrivals.reduce(apply, data);

/** A stream that keeps what was read current: by applying its events, or by having it read again. */
export interface Stream<Data> {
  open(gateway: Gateway, cursor: string, sink: StreamSink<Data>): () => void;
}

interface StreamSink<Data> {
  change(change: (data: Data) => Data): void;
  /** `change` by an event. Those that wait for one picture are handed over together: there may be thousands after a pause. */
  arrive<Event>(apply: Apply<Data, Event>, arrival: Arrival<Event>): void;
  readAgain(): void;
  ended(problem: Problem): void;
}

export function stream<Data, Answer, Variables extends { after?: string | null }>(
  document: Document<Answer, Variables>,
  variables: Omit<Variables, 'after'>,
  apply: 'readAgain' | Apply<Data, Answer[keyof Answer] & { cursor: string }>,
  /** Is told of each event at once, before it is shown. */
  arrived?: (event: Answer[keyof Answer] & { cursor: string }) => void,
): Stream<Data> {
  return {
    open: (gateway, cursor, sink) =>
      gateway.follow(document, variables, cursor, {
        ended: sink.ended,
        next(event) {
          arrived?.(event);
          const { state } = gateway.connection.get();
          const missed = state === 'resuming' || state === 'catchingUp';
          if (apply === 'readAgain') sink.readAgain();
          else sink.arrive(apply, { event, missed });
        },
      }),
  };
}

export interface LiveState<Data> {
  /** `failed` without data: nothing could be read. With data, the last try to read it again failed. */
  phase: 'loading' | 'filled' | 'failed';
  data: Data | undefined;
  /** When it was last known to be current, by this clock. */
  currentAt: number;
  problem: Problem | undefined;
  /** Set when the log no longer reached back to where the streams stopped, and all was read afresh. */
  readAfreshAt: number | undefined;
}

export interface Live<Data> {
  state: Store<LiveState<Data>>;
  change(change: (data: Data) => Data): void;
  retry(): void;
  /** Reads again soon, for what changes by the passing of time alone. */
  readAgain(): void;
  stop(): void;
}

const whereTheLogEnds = graphql(`query WhereTheLogEnds { eventCursor }`);

/**
 * Reads something and keeps it current without a gap: the log's end is taken first, then what is shown is read, then the
 * streams are followed from there. What arrives twice by that must be applied twice without harm.
 */
export function startLive<Data>(
  gateway: Gateway,
  read: (gateway: Gateway) => Promise<Data>,
  streams: readonly Stream<Data>[],
): Live<Data> {
  const state = createStore<LiveState<Data>>({
    phase: 'loading',
    data: undefined,
    currentAt: Date.now(),
    problem: undefined,
    readAfreshAt: undefined,
  });
  let stopped = false;
  let run = 0;
  let closers: (() => void)[] = [];
  let waiting: { apply: Apply<Data, unknown>; arrivals: Arrival<unknown>[] }[] = [];
  let flushing: ReturnType<typeof setTimeout> | undefined;
  let rereading: ReturnType<typeof setTimeout> | undefined;

  const patch = (changes: Partial<LiveState<Data>>) => state.set({ ...state.get(), ...changes });

  async function start(afresh = false): Promise<void> {
    const mine = ++run;
    close();
    if (state.get().data === undefined) patch({ phase: 'loading', problem: undefined });
    try {
      const { eventCursor } = await gateway.ask(whereTheLogEnds, {});
      const data = await read(gateway);
      if (stopped || mine !== run) return;
      const now = Date.now();
      patch({
        phase: 'filled',
        data,
        currentAt: now,
        problem: undefined,
        ...(afresh && { readAfreshAt: now }),
      });
      closers = streams.map((one) =>
        one.open(gateway, eventCursor ?? '', { change, arrive, readAgain, ended }),
      );
    } catch (error) {
      if (!stopped && mine === run) patch({ phase: 'failed', problem: asProblem(error) });
    }
  }

  const change = (one: (data: Data) => Data) => arrive(one, { event: null, missed: false });

  function arrive<Event>(apply: Apply<Data, Event>, arrival: Arrival<Event>): void {
    const last = waiting.at(-1);
    if (last?.apply === apply) last.arrivals.push(arrival);
    else waiting.push({ apply: apply as Apply<Data, unknown>, arrivals: [arrival] });
    flushing ??= setTimeout(flush, togetherMs);
  }

  function flush(): void {
    flushing = undefined;
    const { data } = state.get();
    const changes = waiting;
    waiting = [];
    if (stopped || data === undefined) return;
    patch({
      data: changes.reduce<Data>((value, { apply, arrivals }) => apply(value, arrivals), data),
      currentAt: Date.now(),
    });
  }

  function readAgain(): void {
    rereading ??= setTimeout(async () => {
      const mine = run;
      // Events from now on ask for a further reading.
      rereading = undefined;
      try {
        const data = await read(gateway);
        if (!stopped && mine === run)
          patch({ phase: 'filled', data, currentAt: Date.now(), problem: undefined });
      } catch (error) {
        if (!stopped && mine === run) patch({ problem: asProblem(error) });
      }
    }, readAgainMs);
  }

  function ended(problem: Problem): void {
    if (stopped) return;
    if (problem.code === 'CURSOR_EXPIRED') return void start(true);
    patch({ phase: 'failed', problem });
  }

  function close(): void {
    for (const one of closers) one();
    closers = [];
  }

  // What could not be read for want of a line is read when there is one.
  const unlisten = gateway.connection.listen(() => {
    const { phase, problem } = state.get();
    if (phase === 'failed' && problem?.code === 'UNREACHABLE' && !isCutOff(gateway.connection.get()))
      void start();
  });
  void start();

  return {
    state,
    change,
    retry: () => void start(),
    readAgain,
    stop() {
      stopped = true;
      unlisten();
      close();
      clearTimeout(flushing);
      clearTimeout(rereading);
    },
  };
}

function asProblem(error: unknown): Problem {
  if (error instanceof Error && error.name === 'Problem') return error as Problem;
  console.error(error);
  return unreachable();
}
