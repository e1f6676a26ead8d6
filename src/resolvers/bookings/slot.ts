import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Service, Tx } from '../../core/database.ts';
import { ClassFull, InvalidInput, InvalidState, SlotTaken } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { lockedOrThrow } from '../../core/load.ts';
import { idOf, instant, timeZone } from '../../core/parse.ts';

/** A booking lasts a year at most. */
export const maxMinutes = 366 * 24 * 60;

/** The input fields that say when, with whom and where. */
export const slotFields = {
  staffMemberId: idOf('StaffMember').nullish(),
  resourceId: idOf('Resource').nullish(),
  startsAt: instant,
  timeZone: timeZone.nullish(),
  durationMinutes: z
    .int()
    .min(1, 'Must be at least 1 minute.')
    .max(maxMinutes, 'Must be at most a year.')
    .nullish(),
};

/** The database's refusals of a slot, in the words of the input. */
export const slotConstraints = {
  booking_staff_member_free: () => new SlotTaken('staffMemberId'),
  booking_resource_free: () => new SlotTaken('resourceId'),
  class_session_not_overbooked: () => new ClassFull(),
};

export interface SlotWish {
  staffMemberId: string | null;
  resourceId: string | null;
  startsAt: Date;
  timeZone: string | null;
  durationMinutes: number | null;
}

/** The columns of a booking that its slot decides. */
export interface Slot {
  staffMemberId: string | null;
  resourceId: string | null;
  sessionId: string | null;
  startsAt: Date;
  endsAt: Date;
  blockedFrom: Date;
  blockedUntil: Date;
  timeZone: string;
}

/**
 * Works out the slot of a booking: its end from the service unless a duration is given, the time for which
 * staff and resource are taken from the service's buffers, and for a class the session that it shares.
 * Whether the slot is free is for the database to say.
 */
export async function planSlot(ctx: Context, tx: Tx, service: Service, wish: SlotWish): Promise<Slot> {
  const wished = await hold(ctx, tx, wish);
  const isClass = service.capacity > 1;
  if (isClass && wish.durationMinutes && wish.durationMinutes !== service.durationMinutes) {
    throw new InvalidInput([
      {
        path: 'durationMinutes',
        message: `A class lasts ${service.durationMinutes} minutes for everyone; leave this out.`,
      },
    ]);
  }
  const endsAt = later(wish.startsAt, wish.durationMinutes ?? service.durationMinutes);
  const times = slotTimes(service, wish.startsAt, endsAt);
  const session = isClass ? await sessionFor(ctx, tx, service, { ...wish, endsAt }) : null;
  const { staffMemberId, resourceId } = session ?? wish;
  const asWished = staffMemberId === wish.staffMemberId && resourceId === wish.resourceId;
  const { staffMember } = asWished ? wished : await hold(ctx, tx, { staffMemberId, resourceId });
  const timeZone = wish.timeZone ?? staffMember?.timeZone ?? ctx.workspace.timeZone;
  return { ...times, timeZone, staffMemberId, resourceId, sessionId: session?.id ?? null };
}

const later = (instant: Date, minutes: number) => new Date(instant.getTime() + minutes * 60_000);

/** When a booking is, and from when until when it takes its staff member and resource. */
export function slotTimes(
  service: Pick<Service, 'bufferBeforeMinutes' | 'bufferAfterMinutes'>,
  startsAt: Date,
  endsAt: Date,
): Pick<Slot, 'startsAt' | 'endsAt' | 'blockedFrom' | 'blockedUntil'> {
  return {
    startsAt,
    endsAt,
    blockedFrom: later(startsAt, -service.bufferBeforeMinutes),
    blockedUntil: later(endsAt, service.bufferAfterMinutes),
  };
}

/**
 * The staff member and resource, held until the transaction ends. Who wants the same one waits here for their
 * turn: two that have written overlapping bookings would wait for each other, and only a deadlock would end that.
 */
async function hold(ctx: Context, tx: Tx, wish: Pick<SlotWish, 'staffMemberId' | 'resourceId'>) {
  const staffMember = wish.staffMemberId
    ? await lockedOrThrow(ctx, tx, 'StaffMember', wish.staffMemberId)
    : null;
  const resource = wish.resourceId ? await lockedOrThrow(ctx, tx, 'Resource', wish.resourceId) : null;
  if (staffMember && !staffMember.active)
    throw new InvalidState('The staff member does not take bookings at present.');
  if (resource && !resource.active) throw new InvalidState('The resource cannot be booked at present.');
  return { staffMember, resource };
}

/** The sitting of a class at this time: the one that exists and fits the wish, or a new one. */
async function sessionFor(ctx: Context, tx: Tx, service: Service, wish: SlotWish & { endsAt: Date }) {
  const workspaceId = ctx.workspace.id;
  const fitting = {
    workspaceId,
    serviceId: service.id,
    startsAt: wish.startsAt,
    ...(wish.staffMemberId && { staffMemberId: wish.staffMemberId }),
    ...(wish.resourceId && { resourceId: wish.resourceId }),
  };
  const find = () =>
    tx.classSession.findFirst({ where: fitting, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
  const known = await find();
  if (known) return known;
  await tx.classSession.createMany({
    data: [
      {
        id: newId(),
        workspaceId,
        serviceId: service.id,
        staffMemberId: wish.staffMemberId,
        resourceId: wish.resourceId,
        startsAt: wish.startsAt,
        endsAt: wish.endsAt,
        capacity: service.capacity,
        createdAt: ctx.clock.now(),
      },
    ],
    skipDuplicates: true, // Somebody else may open the same session at this moment.
  });
  const session = await find();
  if (!session) throw new Error('A class session vanished between its creation and its use.');
  return session;
}
