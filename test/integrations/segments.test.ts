import { expect, test } from 'vitest';
import { encodeId } from '../../src/core/ids.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { createSegment } from '../../src/resolvers/segments/createSegment.ts';
import { openTestDatabase } from '../support/context.ts';
import { eventually } from '../support/gateway.ts';
import { connect, openPeer, openStudio } from './studio.ts';

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
