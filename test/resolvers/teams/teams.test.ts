import { expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { AlreadyExists, InvalidInput, NotFound, Refused } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createTeam } from '../../../src/resolvers/teams/createTeam.ts';
import { updateTeam } from '../../../src/resolvers/teams/updateTeam.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();
const userId = (ctx: Context) => encodeId('User', (ctx.viewer as { id: string }).id);
const membersOf = async (teamId: string) =>
  (await db.teamMember.findMany({ where: { teamId } })).map((row) => encodeId('User', row.userId)).sort();

test('A team is made with its members, each once.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const other = await shop.asUser('SALES');
  const team = await createTeam(ctx, {
    name: ' North ',
    memberIds: [userId(ctx), userId(other), userId(ctx)],
  });
  expect(team).toMatchObject({ name: 'North', workspaceId: shop.workspace.id });
  expect(await membersOf(team.id)).toEqual([userId(ctx), userId(other)].sort());
  expect(await shop.events()).toMatchObject([
    { type: 'team.created', subjectId: team.id, data: { name: 'North' } },
  ]);
});

test('An update renames, adds and removes; its event tells who really came and went.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const [a, b, c] = [await shop.asUser('SALES'), await shop.asUser('SALES'), await shop.asUser('SALES')].map(
    userId,
  );
  const team = await createTeam(ctx, { name: 'North', memberIds: [a, b] });
  const id = encodeId('Team', team.id);
  await updateTeam(ctx, { id, name: 'South', addMemberIds: [b, c], removeMemberIds: [a, userId(ctx)] });
  expect(await membersOf(team.id)).toEqual([b, c].sort());
  await updateTeam(ctx, { id, name: 'South', addMemberIds: [b, c], removeMemberIds: [a] });
  await updateTeam(ctx, { id, addMemberIds: null });
  expect(await shop.events('team.updated')).toMatchObject([
    {
      subjectId: team.id,
      data: { name: 'South', addedUserIds: [c], removedUserIds: [a] },
      changes: { name: ['North', 'South'] },
    },
  ]);
});

test('A name that is taken, unknown users and teams, contradictions and callers without the right are refused.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const foreign = userId(await (await createWorkspace(db)).asUser('SALES'));
  const unknown = encodeId('User', newId());
  await createTeam(ctx, { name: 'North' });
  const id = encodeId('Team', (await createTeam(ctx, { name: 'South', memberIds: [userId(ctx)] })).id);
  expect(await refused(ctx, () => createTeam(ctx, { name: 'North' }))).toBeInstanceOf(AlreadyExists);
  expect(await refused(ctx, () => updateTeam(ctx, { id, name: 'North' }))).toMatchObject({ field: 'name' });
  for (const user of [foreign, unknown]) {
    expect(
      await refused(ctx, () => createTeam(ctx, { name: 'East', memberIds: [userId(ctx), user] })),
    ).toMatchObject({ id: user });
    expect(await refused(ctx, () => updateTeam(ctx, { id, addMemberIds: [user] }))).toMatchObject({
      id: user,
    });
  }
  expect(
    await refused(ctx, () =>
      updateTeam(ctx, { id, addMemberIds: [userId(ctx)], removeMemberIds: [unknown, userId(ctx)] }),
    ),
  ).toMatchObject({
    issues: [{ path: 'removeMemberIds.1' }],
  });
  const many = Array.from({ length: 101 }, () => unknown);
  expect(await refused(ctx, () => createTeam(ctx, { name: ' ', memberIds: many }))).toMatchObject({
    issues: [{ path: 'name' }, { path: 'memberIds' }],
  });
  expect(await refused(ctx, () => updateTeam(ctx, { id, name: null }))).toBeInstanceOf(InvalidInput);
  expect(
    await refused(ctx, () => updateTeam(ctx, { id: encodeId('Team', newId()), name: 'West' })),
  ).toBeInstanceOf(NotFound);
  const manager = await shop.asUser('MANAGER');
  expect(await refused(ctx, () => createTeam(manager, { name: 'West' }))).toBeInstanceOf(Refused);
  expect(await refused(ctx, () => updateTeam(manager, { id, name: 'West' }))).toBeInstanceOf(Refused);
});

test('Who reaches the customers of some teams adds members to those alone.', async () => {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const [own, other] = [await createTeam(admin, { name: 'Own' }), await createTeam(admin, { name: 'Other' })];
  const near = await shop.asUser('ADMIN', { rowScope: 'TEAM', principals: [own.id] });
  await updateTeam(near, { id: encodeId('Team', own.id), addMemberIds: [userId(near)] });
  expect(
    await refused(near, () =>
      updateTeam(near, { id: encodeId('Team', other.id), addMemberIds: [userId(near)] }),
    ),
  ).toMatchObject({ code: 'FORBIDDEN' });
});

test('With an idempotency key, twenty calls at once make one team; twenty at once add a member once.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const teams = await atOnce(20, () => createTeam(ctx, { name: 'North', idempotencyKey: 'one' }));
  expect(new Set(teams.map(({ id }) => id)).size).toBe(1);
  await atOnce(20, () =>
    updateTeam(ctx, { id: encodeId('Team', teams[0]?.id as string), addMemberIds: [userId(ctx)] }),
  );
  expect((await shop.events()).map(({ type }) => type)).toEqual(['team.created', 'team.updated']);
});
