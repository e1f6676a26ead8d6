import { pino } from 'pino';
import { type Bus, openLocalBus, openRedisBus } from '../../../src/core/bus.ts';

/** What a process of the storm is told, as JSON in its first argument. */
export interface Orders {
  url: string;
  /** Without one, the processes hear nothing of each other and poll. */
  redisUrl: string | undefined;
  seed: number;
  workspaces: { id: string; customers: string[] }[];
  /** Whether the server can prepare transactions. */
  canPrepare: boolean;
  /** A folder where readers write down what they have read. */
  dir: string;
  /** The name of a reader, the same before and after it was killed. */
  name: string;
}

export const orders = () => JSON.parse(process.argv[2] as string) as Orders;
export const silent = pino({ level: 'silent' });
export const openBus = ({ redisUrl }: Orders): Bus =>
  redisUrl ? openRedisBus(redisUrl, silent) : openLocalBus();

/**
 * What the storm keeps beside our tables. A customer counts its events, so that their order can be checked.
 * A trigger notes each event in the ledger, so that an event is there exactly if it was committed. And a function does a
 * verb's work in one call, for a great many of them.
 */
export const stormTables = `
  CREATE TABLE storm_customer (id uuid PRIMARY KEY, n integer NOT NULL DEFAULT 0);
  INSERT INTO storm_customer SELECT id FROM customer;
  CREATE TABLE storm_ledger (id uuid PRIMARY KEY, workspace_id uuid NOT NULL, customer_id uuid, n integer NOT NULL);
  CREATE FUNCTION storm_note() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO storm_ledger VALUES (NEW.id, NEW.workspace_id, NEW.customer_id, (NEW.data->'fields'->>0)::integer);
    RETURN NULL;
  END $$;
  CREATE TRIGGER storm_note AFTER INSERT ON event_outbox FOR EACH ROW EXECUTE FUNCTION storm_note();
  CREATE FUNCTION storm_write(workspace uuid, customer uuid, times integer) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    last integer;
  BEGIN
    PERFORM FROM customer c WHERE c.id = customer FOR NO KEY UPDATE;
    UPDATE storm_customer c SET n = n + times WHERE c.id = customer RETURNING n INTO last;
    INSERT INTO event_outbox (workspace_id, id, type, version, occurred_at, recorded_at, actor_kind, origin, subject_type, subject_id,
        customer_id, data)
      SELECT workspace, gen_random_uuid(), 'customer.updated', 1, now(), now(), 'SYSTEM', 'LIVE', 'Customer', customer,
        customer, jsonb_build_object('fields', ARRAY[i::text])
      FROM generate_series(last - times + 1, last) i;
  END $$;
`;
