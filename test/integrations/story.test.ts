import { expect, test } from 'vitest';
import { encodeId } from '../../src/core/ids.ts';
import { pruneIntegrations } from '../../src/jobs/pruneIntegrations.ts';
import { completeBooking } from '../../src/resolvers/bookings/completeBooking.ts';
import { confirmBooking } from '../../src/resolvers/bookings/confirmBooking.ts';
import { createBooking } from '../../src/resolvers/bookings/createBooking.ts';
import { automationsOf } from '../../src/resolvers/connections/automationsOf.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { recordPayment } from '../../src/resolvers/payments/recordPayment.ts';
import { createService } from '../../src/resolvers/services/createService.ts';
import { addTags } from '../../src/resolvers/tags/addTags.ts';
import { openTestDatabase } from '../support/context.ts';
import { connect, openPeer, openStudio, settled } from './studio.ts';

const db = await openTestDatabase();

test('A booking is made: the contact is synced, tagged, put on the list, sent through the automation, and the event is tracked.', async () => {
  const peer = await openPeer();
  const studio = await openStudio(db);
  const { admin, workspace } = studio;
  const list = peer.addList('Newsletter');
  const automation = peer.addAutomation('Post booking');
  const review = peer.addAutomation('Review request');
  const count = peer.addField('Bookings', 'text');
  const spent = peer.addField('Spent', 'text');
  const score = peer.addField('Score', 'text');
  const born = peer.addField('Birthday', 'date');
  const { connection } = await connect(admin, peer, {
    defaultListId: list,
    enableEventTracking: true,
    automations: [
      { slot: 'post_booking', automationId: automation },
      { slot: 'review_request', automationId: review },
      { slot: 'win_back', tag: 'At Risk', via: 'EVENT' },
    ],
    scoreTags: [
      { from: 100, tag: 'Hot Lead' },
      { from: 50, tag: 'Warm Lead' },
      { from: -1_000_000, tag: 'Cold Lead' },
    ],
    fieldMappings: [
      { local: 'bookingCount', remote: count },
      { local: 'totalSpent', remote: spent },
      { local: 'leadScore', remote: score },
      { local: 'bornOn', remote: born, direction: 'BOTH' },
    ],
  });

  const customer = await createCustomer(admin, {
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: 'ada@example.com',
    phone: '030 901820',
    bornOn: new Date('1815-12-10'),
    marketingConsent: true,
    marketingConsentSource: 'counter',
  });
  const customerId = encodeId('Customer', customer.id);
  const service = await createService(admin, {
    name: 'Cut',
    durationMinutes: 30,
    price: { amount: '40', currency: 'EUR' },
  });
  const booking = await createBooking(admin, {
    customerId,
    serviceId: encodeId('Service', service.id),
    startsAt: new Date(Date.now() + 3_600_000),
  });
  await addTags(admin, { customerIds: [customerId], tags: ['New Customer'] });
  await recordPayment(admin, {
    bookingId: encodeId('Booking', booking.id),
    amount: { amount: '40', currency: 'EUR' },
    method: 'CARD',
  });
  await settled(db, workspace.id);

  expect(peer.contacts()).toHaveLength(1);
  expect(peer.contact('ada@example.com')).toMatchObject({
    firstName: 'Ada',
    lastName: 'Lovelace',
    phone: '+4930901820',
    fields: { Bookings: '1', Spent: '40.00', Score: '34', Birthday: '1815-12-10' },
    tags: ['Cold Lead', 'New Customer'],
    lists: { Newsletter: '1' },
  });
  expect(peer.startsOf('Post booking')).toMatchObject([{ email: 'ada@example.com', by: 'api' }]);
  const events = peer.events();
  expect(events.map(({ event }) => event).sort()).toEqual(['booking_created', 'payment_recorded']);
  expect(JSON.parse(events.find(({ event }) => event === 'booking_created')!.eventdata)).toMatchObject({
    booking_id: encodeId('Booking', booking.id),
    booking_number: booking.reference,
    service_name: 'Cut',
    booking_date: booking.startsAt.toISOString(),
    amount: '40.00',
    currency: 'EUR',
    status: 'PENDING',
  });

  // The visit: the review is asked for a day after its end, not before.
  await confirmBooking(admin, { id: encodeId('Booking', booking.id) });
  await completeBooking(admin, { id: encodeId('Booking', booking.id) });
  await settled(db, workspace.id);
  const [asked] = await db.delivery.findMany({
    where: { workspaceId: workspace.id, kind: 'AUTOMATION', status: 'WAITING' },
  });
  expect(asked!.notBefore.getTime()).toBe(booking.endsAt.getTime() + 24 * 3_600_000);
  await db.delivery.update({ where: { id: asked!.id }, data: { notBefore: new Date(), nextAt: new Date() } });
  await settled(db, workspace.id);
  expect(peer.startsOf('Review request')).toHaveLength(1);

  // Nobody who must not be written to is won back.
  await updateCustomer(admin, { id: customerId, doNotContact: true });
  await addTags(admin, { customerIds: [customerId], tags: ['At Risk'] });
  await settled(db, workspace.id);
  expect(await db.delivery.findMany({ where: { status: 'DROPPED' } })).toMatchObject([{ kind: 'EVENT' }]);

  // How often each was started is known, also when the deliveries are pruned.
  const later = { now: () => new Date(Date.now() + 31 * 86_400_000) };
  await pruneIntegrations({ db, clock: later });
  expect(await db.delivery.count({ where: { workspaceId: workspace.id, kind: 'AUTOMATION' } })).toBe(0);
  const started = { triggerCount: 1, lastTriggeredAt: expect.any(Date), active: true, via: 'AUTOMATION' };
  expect(await automationsOf({ ...admin }, connection)).toMatchObject([
    { ...started, slot: 'post_booking', automationId: automation, triggerEvent: 'booking.created' },
    { ...started, slot: 'review_request', triggerEvent: 'booking.completed', delayMinutes: 1_440 },
    { slot: 'win_back', triggerCount: 0, lastTriggeredAt: null, tag: 'At Risk', trackedEvent: 'win_back' },
  ]);

  // Nothing more is said when nothing more happened.
  peer.forgetCalls();
  await updateCustomer(admin, { id: customerId, firstName: 'Augusta' });
  await settled(db, workspace.id);
  expect(peer.calls().map(({ method, path }) => `${method} ${path}`)).toEqual([
    `PUT /api/3/contacts/${peer.contact('ada@example.com')!.id}`,
  ]);
  expect(peer.contact('ada@example.com')).toMatchObject({ firstName: 'Augusta', lastName: 'Lovelace' });
});
