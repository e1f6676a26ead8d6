import type { ExecutionResult } from 'graphql';
import { Refused } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { Reader } from '../../core/reader.ts';
import { decodeCursor, type Place, type Reach } from '../../events/cursor.ts';
import { isFollowing } from '../../resolvers/events/follow.ts';
import { createCache } from '../cache.ts';
import type { Caller } from '../callers.ts';
import { openSource } from '../openSource.ts';
import type { Operation } from '../operation.ts';
import { publicError } from '../publicError.ts';
import type { Services } from '../services.ts';
import { createEventAccess } from './eventAccess.ts';
import { createGroup } from './group.ts';
import { groupKey, permissionsKey, reachKey, readsAlike } from './groupKey.ts';
import type { Asked, Live } from './live.ts';
import type { Payload } from './payload.ts';
import type { Group, Seat } from './seat.ts';

/** How long a payload serves those who catch up: what it shows was read by then at most. */
const freshMs = 1_000;
const maxRecent = 4_000;

/** Delivers the log to all who subscribe, executing each event once for those who would get the same answer. */
export function createLive(services: Services, reader: Reader): Live {
  const { eventLog, metrics, log } = services;
  const access = createEventAccess(reader);
  const recent = createCache<Promise<Payload>>({ maxWeight: maxRecent, ttlMs: freshMs });
  const groups = new Map<string, Group>();
  let names = 0;

  function groupOf(asked: Asked, caller: Caller, requestId: string, place: Place): Group {
    const { viewer, workspace } = caller;
    const { schema, document, operation, variableValues } = asked.args;
    const variables = variableValues.coerced;
    const source = {
      schema,
      document,
      operation,
      variables,
      workspaceId: workspace.id,
      viewer,
      epoch: place.epoch,
    };
    const key = groupKey(source);
    const known = groups.get(key);
    if (known) return known;
    const group = createGroup({
      services,
      access,
      recent,
      name: String(++names),
      operation: asked.operation,
      args: asked.args,
      wanted: asked.following.wanted,
      viewer: readsAlike(source)
        ? { kind: 'system', permissions: viewer.permissions, rowScope: 'ALL', principals: [] }
        : viewer,
      workspace,
      ...place,
      requestId,
      failed: end,
      over() {
        if (groups.get(key) === group) groups.delete(key);
        metrics.live.groups.dec();
      },
    });
    groups.set(key, group);
    metrics.live.groups.inc();
    return group;
  }

  function sit(seat: Seat, group: Group): void {
    seat.group = group;
    group.join(seat);
  }

  function leave(seat: Seat): void {
    if (seat.over) return;
    seat.over = true;
    const { group } = seat;
    seat.group = null;
    group?.leave(seat);
  }

  function end(seat: Seat, result?: ExecutionResult): void {
    if (seat.over) return;
    leave(seat);
    metrics.live.subscriptions.dec();
    seat.transport.ended(seat, result);
  }

  async function placeOf({ session }: Seat): Promise<Place & { reach: Reach }> {
    const [reach, position] = await Promise.all([
      eventLog.reach(),
      eventLog.end(session.caller.workspace.id),
    ]);
    return { reach, epoch: reach.epoch, position };
  }

  /** Opens the source anew with the rights of now, and sits where they belong. */
  async function sitAgain(seat: Seat, operation: Operation): Promise<void> {
    const { session } = seat;
    const requestId = newId();
    try {
      const opened = await openSource(services, operation, { session, requestId });
      if (!('source' in opened) || !isFollowing(opened.source)) return end(seat, opened as ExecutionResult);
      const { epoch, position } = await placeOf(seat);
      const asked = { operation, args: opened.args, following: opened.source };
      if (!seat.over) sit(seat, groupOf(asked, session.caller, requestId, { epoch, position }));
    } catch (error) {
      end(seat, { errors: [publicError(error, { requestId, log })] });
    }
  }

  return {
    async join(seat, asked, after, requestId) {
      try {
        const { reach, epoch, position } = await placeOf(seat);
        seat.position = after ? decodeCursor(after, reach).position : position;
        if (after) metrics.live.resumes.inc();
        if (seat.over) return null;
        seat.seated = true;
        metrics.live.subscriptions.inc();
        sit(seat, groupOf(asked, seat.session.caller, requestId, { epoch, position }));
        return null;
      } catch (error) {
        if (error instanceof Refused && error.code === 'CURSOR_EXPIRED') metrics.live.gaps.inc();
        return { errors: [publicError(error, { requestId, log })] };
      }
    },
    leave(seat) {
      if (seat.seated && !seat.over) metrics.live.subscriptions.dec();
      leave(seat);
    },
    regroup(changed) {
      for (const group of new Set(groups.values())) {
        for (const seat of [...group.seats()]) {
          if (!changed.has(seat.session)) continue;
          seat.group = null;
          group.leave(seat);
          void sitAgain(seat, group.operation);
        }
      }
    },
  };
}

/** What a change of the caller means to running streams; the same text when nothing has changed. */
export function rightsOf({ viewer }: Caller): string {
  return `${permissionsKey(viewer.permissions)} ${reachKey(viewer)}`;
}
