import { expect, test } from 'vitest';
import { encodeId } from '../../src/core/ids.ts';
import { updateIntegration } from '../../src/resolvers/connections/updateIntegration.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { createSegment } from '../../src/resolvers/segments/createSegment.ts';
import { deleteSegment } from '../../src/resolvers/segments/deleteSegment.ts';
import { updateSegment } from '../../src/resolvers/segments/updateSegment.ts';
import { openTestDatabase } from '../support/context.ts';
import { eventually } from '../support/gateway.ts';
import { connect, openPeer, openStudio, settled } from './studio.ts';

const db = await openTestDatabase();

test('Who comes into a segment has its tag and starts its automation once each time; who leaves loses the tag.', async () => {
  const peer = await openPeer();
  const { admin } = await openStudio(db);
  const winBack = peer.addAutomation('Win back');
  const segment = await createSegment(admin, {
    name: 'At risk',
    criteria: { field: 'lifecycle_stage', operator: 'equals', value: 'AT_RISK' },
  });
  const segmentId = encodeId('Segment', segment.id);
  await connect(admin, peer, {
    segmentTags: [{ segmentId, tag: 'At Risk' }],
    automations: [{ slot: 'win_back', on: 'segment.joined', segmentId, automationId: winBack }],
  });
  const customer = await createCustomer(admin, { email: 'ada@example.com' });
  const id = encodeId('Customer', customer.id);
  const episode = async (times: number) => {
    await updateCustomer(admin, { id, lifecycleStage: 'AT_RISK' });
    await eventually('they are tagged, and sent through the automation', () => {
      return (
        peer.contact('ada@example.com')?.tags.join() === 'At Risk' &&
        peer.startsOf('Win back').length === times
      );
    });
    await updateCustomer(admin, { id, lifecycleStage: 'CUSTOMER' });
    await eventually('the tag is gone', () => peer.contact('ada@example.com')!.tags.length === 0);
  };
  await episode(1);
  await episode(2);
  await updateCustomer(admin, { id, firstName: 'Ada' });
  await eventually('the name is there', () => peer.contact('ada@example.com')!.firstName === 'Ada');
  expect(peer.startsOf('Win back')).toHaveLength(2);
});

test('A segment is a list: who agreed and comes in is put on it, who falls out is taken off, and who left it is left alone.', async () => {
  const peer = await openPeer();
  const { admin, workspace } = await openStudio(db);
  const [news, offers] = [peer.addList('News'), peer.addList('Offers')];
  const stage = (value: string) => ({ field: 'lifecycle_stage', operator: 'equals', value });
  const segment = await createSegment(admin, { name: 'At risk', criteria: stage('AT_RISK') });
  const segmentId = encodeId('Segment', segment.id);
  const { connection, id: connectionId } = await connect(admin, peer, { defaultListId: news });
  const person = async (name: string, marketingConsent: boolean) => {
    const { id } = await createCustomer(admin, { email: `${name}@example.com`, marketingConsent });
    const change = (more: object) => updateCustomer(admin, { id: encodeId('Customer', id), ...more });
    await change({ lifecycleStage: 'AT_RISK' });
    return { id, change };
  };
  const [ada, bob] = [await person('ada', true), await person('bob', false)];
  const carol = await person('carol', true);
  const lists = (name: string) => peer.contact(`${name}@example.com`)?.lists;
  const comes = (name: string, expected: object) =>
    eventually(`${name} is on ${JSON.stringify(expected)}`, () => {
      return JSON.stringify(lists(name)) === JSON.stringify(expected);
    });
  await comes('ada', { News: '1' });
  await settled(db, workspace.id);

  // Those who are in it already come at once, behind what happens now.
  await updateIntegration(admin, {
    id: connectionId,
    settings: { segmentLists: [{ segmentId, listId: offers }] },
  });
  await comes('ada', { News: '1', Offers: '1' });
  await comes('carol', { News: '1', Offers: '1' });
  await settled(db, workspace.id);
  expect(lists('bob')).toEqual({});
  const lanes = await db.delivery.findMany({ where: { connectionId: connection.id, kind: 'CONTACT' } });
  expect(lanes.map(({ customerId, lane }) => [customerId, lane]).sort()).toEqual(
    [
      [ada.id, 1],
      [bob.id, 0],
      [carol.id, 1],
    ].sort(),
  );

  await bob.change({ marketingConsent: true });
  await comes('bob', { News: '1', Offers: '1' });
  await ada.change({ lifecycleStage: 'CUSTOMER' });
  await comes('ada', { News: '1', Offers: '2' });
  await ada.change({ lifecycleStage: 'AT_RISK' });
  await comes('ada', { News: '1', Offers: '1' });

  // A call that took them off, and whose answer was lost: tried again it is our doing, not theirs.
  const link = await db.integrationContact.findFirstOrThrow({ where: { customerId: bob.id } });
  await db.integrationContact.updateMany({
    where: { customerId: bob.id },
    data: { agreed: { ...(link.agreed as object), left: [offers] } },
  });
  peer.unsubscribe('bob@example.com', { list: 'Offers' });
  await bob.change({ lifecycleStage: 'CUSTOMER', firstName: 'Bob' });
  await eventually('the name is there', () => peer.contact('bob@example.com')!.firstName === 'Bob');
  await settled(db, workspace.id);
  await bob.change({ lifecycleStage: 'AT_RISK' });
  await comes('bob', { News: '1', Offers: '1' });

  // Left by themselves, and no message told: they stay off, in and out of the segment, until they agree anew.
  peer.unsubscribe('ada@example.com', { list: 'Offers' });
  await ada.change({ lifecycleStage: 'CUSTOMER' });
  await settled(db, workspace.id);
  const gone = () => db.integrationContact.findFirstOrThrow({ where: { customerId: ada.id } });
  await eventually('it is noted', async () => {
    return offers in ((await gone()).agreed as { optedOut: object }).optedOut;
  });
  await ada.change({ lifecycleStage: 'AT_RISK', firstName: 'Ada' });
  await eventually('the name is there', () => peer.contact('ada@example.com')!.firstName === 'Ada');
  await settled(db, workspace.id);
  expect(lists('ada')).toEqual({ News: '1', Offers: '2' });
  await ada.change({ marketingConsent: false });
  await comes('ada', { News: '2', Offers: '2' });
  await ada.change({ marketingConsent: true });
  await comes('ada', { News: '1', Offers: '1' });

  // Worked out from scratch, nobody is told of one by one.
  await carol.change({ lifecycleStage: 'CUSTOMER' });
  await comes('carol', { News: '1', Offers: '2' });
  await updateSegment(admin, { id: segmentId, criteria: stage('CUSTOMER') });
  await comes('ada', { News: '1', Offers: '2' });
  await comes('bob', { News: '1', Offers: '2' });
  await comes('carol', { News: '1', Offers: '1' });
  await deleteSegment(admin, { id: segmentId });
  await comes('carol', { News: '1', Offers: '2' });
});
