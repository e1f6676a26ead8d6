import type { Context } from '../core/context.ts';
import { outsideOf } from '../resolvers/connections/openConnection.ts';

/** Encrypts with the present secret what the previous one encrypted, so that the previous one can go. Answers how many. */
export async function resealSecrets(services: Pick<Context, 'db' | 'log' | 'outside'>): Promise<number> {
  const { vault } = outsideOf(services);
  const rows = await services.db.integrationConnection.findMany({
    where: { status: { not: 'DISCONNECTED' } },
    select: { id: true, secrets: true },
  });
  let done = 0;
  for (const { id, secrets } of rows.filter((row) => vault.stale(row.secrets))) {
    try {
      const sealed = vault.seal(vault.open(secrets, id), id);
      // Not over what somebody saved meanwhile.
      done += await services.db.$executeRaw`
        UPDATE integration_connection SET secrets = ${sealed} WHERE id = ${id}::uuid AND secrets = ${secrets}`;
    } catch (error) {
      services.log.error({ error, connectionId: id }, 'integrations: a stored credential cannot be opened');
    }
  }
  return done;
}
