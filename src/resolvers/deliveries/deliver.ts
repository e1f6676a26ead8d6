import type { Context } from '../../core/context.ts';
import type { Booking, Delivery } from '../../core/database.ts';
import { encodeId } from '../../core/ids.ts';
import { decimalOf } from '../../core/money.ts';
import type { Automations, Contacts } from '../../integrations/capabilities.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import type { OpenConnection } from '../connections/openConnection.ts';
import { readLink } from './contactLink.ts';
import { keptLists } from './localSide.ts';
import { sendContact } from './sendContact.ts';
import { takeOver, type Winner } from './takeOver.ts';

/** What became of a delivery: why it is not wanted any more, or what the outside system made of it. */
export interface Delivered {
  dropped?: string | null;
  result?: object;
}

/** Does what a delivery asks for. Throws an OutsideFailure when the outside system does not play along. */
export async function deliver(ctx: Context, open: OpenConnection, delivery: Delivery): Promise<Delivered> {
  const payload = delivery.payload as Record<string, string | undefined> &
    Partial<Record<'tags' | 'left' | 'lists', unknown>>;
  const contacts = open.adapter.can.contacts as Contacts<unknown>;
  switch (delivery.kind) {
    case 'CONTACT':
      return { dropped: await sendContact(ctx, open, delivery.customerId as string) };
    case 'FETCH':
      return fetchContact(ctx, open, {
        contactId: payload.contactId as string,
        tags: Boolean(payload.tags),
        lists: Boolean(payload.left || payload.lists),
        ...(payload.winner && { winner: payload.winner as Winner }),
      });
    case 'ERASE':
      if (!payload.contactId) {
        await ctx.db.delivery.update({ where: { id: delivery.id }, data: { payload: {} } });
        return { dropped: 'They never came to be there.' };
      }
      await contacts.remove(open.to, payload.contactId);
      return {};
    case 'AUTOMATION':
      return startAutomation(ctx, open, delivery);
    case 'EVENT':
      return trackEvent(ctx, open, delivery);
  }
}

interface Fetch {
  contactId: string;
  tags: boolean;
  /** How they stand on lists is to be asked; what a message says of it may be old. */
  lists: boolean;
  winner?: Winner;
}

async function fetchContact(
  ctx: Context,
  open: OpenConnection,
  { contactId, tags, lists, winner }: Fetch,
): Promise<Delivered> {
  if (open.sync.syncDirection === 'TO' && !winner) return { dropped: 'Changes there are not taken over.' };
  const { contacts, tags: tagging, lists: listing } = open.adapter.can;
  const remote = await (contacts as Contacts<unknown>).get(open.to, contactId);
  if (!remote) {
    await ctx.db.integrationContact.updateMany({
      where: { workspaceId: open.row.workspaceId, connectionId: open.row.id, remoteId: contactId },
      data: { remoteId: null, agreed: {} },
    });
    return { dropped: 'The contact is not there any more.' };
  }
  const asksLists = lists && listing && keptLists(open).length > 0;
  await takeOver(ctx, open, remote, {
    ...(winner && { winner }),
    ...(tags && tagging && { tags: await tagging.of(open.to, contactId) }),
    ...(asksLists && { lists: await listing.of(open.to, contactId) }),
  });
  return {};
}

/** What an effect about a contact stands on. Null when there is nobody to have it. */
async function contactOf(ctx: Context, open: OpenConnection, delivery: Delivery) {
  const customerId = delivery.customerId as string;
  const customer = await ctx.db.customer.findFirst({
    where: { workspaceId: ctx.workspace.id, id: customerId, deletedAt: null },
  });
  const { remoteId } = await readLink(ctx, open, customerId);
  return customer?.email && remoteId && !customer.doNotContact ? { email: customer.email, remoteId } : null;
}

/** The booking that an effect is about; undefined when it was called off, so that the effect makes no sense any more. */
async function bookingOf(
  ctx: Context,
  { payload, notBefore, askedAt }: Delivery,
): Promise<Booking | null | undefined> {
  const { bookingId, on } = payload as { bookingId?: string; on?: string };
  if (!bookingId) return null;
  const booking = await ctx.db.booking.findFirst({ where: { workspaceId: ctx.workspace.id, id: bookingId } });
  const later = notBefore > askedAt && !/cancelled|no_show/.test(on ?? '');
  return booking && later && ['CANCELLED', 'NO_SHOW'].includes(booking.status) ? undefined : booking;
}

const nobody = { dropped: 'There is no contact who may be written to.' };
const calledOff = { dropped: 'The booking was called off meanwhile.' };

/**
 * Starts an automation once. The contact's runs are looked at before the first attempt and noted; if an attempt may have
 * gone through unheard, a run that was not there before is the one.
 */
async function startAutomation(ctx: Context, open: OpenConnection, delivery: Delivery): Promise<Delivered> {
  const automations = open.adapter.can.automations as Automations<unknown>;
  const { slot } = delivery.payload as { slot: string };
  const wanted = open.sync.automations.find(
    (one) => one.slot === slot && one.active && one.via === 'AUTOMATION',
  );
  const automationId = open.sync.enableAutomation ? wanted?.automationId : undefined;
  if (!automationId) return { dropped: `No automation is set up for ${slot}.` };
  const contact = await contactOf(ctx, open, delivery);
  if (!contact) return nobody;
  if ((await bookingOf(ctx, delivery)) === undefined) return calledOff;

  const runs = async () =>
    (await automations.of(open.to, contact.remoteId))
      .filter((run) => run.automationId === automationId)
      .map(({ id }) => id);
  const noted = (delivery.result as { before?: string[] } | null)?.before;
  const there = await runs();
  if (noted) {
    const ours = await ctx.db.delivery.findMany({
      where: {
        workspaceId: ctx.workspace.id,
        connectionId: open.row.id,
        customerId: delivery.customerId,
        kind: 'AUTOMATION',
        status: 'DONE',
      },
      select: { result: true },
    });
    const others = new Set(ours.map(({ result }) => (result as { runId?: string } | null)?.runId));
    const started = there.find((id) => !noted.includes(id) && !others.has(id));
    if (started) return { result: { before: noted, runId: started } };
  } else {
    await ctx.db.delivery.update({ where: { id: delivery.id }, data: { result: { before: there } } });
  }
  try {
    const run = await automations.start(open.to, contact.remoteId, automationId);
    return { result: { before: there, runId: run.id } };
  } catch (error) {
    if (error instanceof OutsideFailure && error.kind === 'REJECTED' && there.length > 0)
      return { dropped: 'They have been through this automation, and it takes nobody twice.' };
    throw error;
  }
}

async function trackEvent(ctx: Context, open: OpenConnection, delivery: Delivery): Promise<Delivered> {
  const { tracking } = open.adapter.can;
  const { name, slot } = delivery.payload as { name: string; slot?: string };
  if (!tracking || !(slot ? open.sync.enableAutomation : open.sync.enableEventTracking))
    return { dropped: 'Events are not tracked.' };
  const contact = await contactOf(ctx, open, delivery);
  if (!contact) return nobody;
  const booking = await bookingOf(ctx, delivery);
  if (booking === undefined) return calledOff;
  await tracking.register(open.to, name);
  const facts = {
    // So that whoever reads them can tell a repeated one.
    event_id: encodeId('Delivery', delivery.id),
    ...(booking && (await factsOf(ctx, booking))),
  };
  await tracking.send(open.to, { name, email: contact.email, data: JSON.stringify(facts) });
  return {};
}

async function factsOf({ db, workspace }: Context, booking: Booking) {
  const service = await db.service.findFirst({
    where: { workspaceId: workspace.id, id: booking.serviceId },
    select: { name: true },
  });
  return {
    booking_id: encodeId('Booking', booking.id),
    booking_number: booking.reference,
    service_name: service?.name ?? null,
    service_id: encodeId('Service', booking.serviceId),
    booking_date: booking.startsAt.toISOString(),
    amount: decimalOf(booking.priceMinor, booking.currency),
    currency: booking.currency,
    status: booking.status,
  };
}
