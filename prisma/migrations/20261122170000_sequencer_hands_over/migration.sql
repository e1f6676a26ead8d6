-- What Prisma cannot say ------------------------------------------------------

-- The function of the foundation, which has the how and why. New: who calls it is handed what it moved (`events`, in
-- order), and where each workspace ended before (`previous`), so that who follows the log need not look for what the
-- process has just seen. Not of a batch of more than a hundred: nobody waits for each event of an import.
DROP FUNCTION sequence_events(integer);

CREATE FUNCTION sequence_events(batch integer)
  RETURNS TABLE (workspace uuid, last bigint, moved integer, previous bigint, events json) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  state event_sequencer;
  head bigint;
  settled boolean;
  next tid[];
  reached bigint;
  total integer;
BEGIN
  IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
    RAISE EXCEPTION 'sequence_events must be the first statement of its transaction: the mark relies on a fresh id';
  END IF;
  PERFORM pg_advisory_xact_lock(4721001);
  SELECT * INTO state FROM event_sequencer WHERE id = 1;
  SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO head FROM event_outbox_seq_seq;
  -- Restored where transaction ids or the sequence stand lower: what was settled there is not settled here.
  IF state.mark > head OR state.candidate_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint THEN
    state.mark := 0;
    state.candidate_xid := NULL;
  END IF;
  settled := state.candidate_xid IS NOT NULL
    AND pg_snapshot_xmin(pg_current_snapshot())::text::bigint > state.candidate_xid;

  SELECT array_agg(o.ctid), max(o.seq), count(*) INTO next, reached, total
    FROM (SELECT ctid, seq FROM event_outbox WHERE seq > state.mark ORDER BY seq LIMIT batch) o;
  -- Nothing to move and nothing to note: an idle call writes nothing.
  IF total = 0 AND NOT settled AND (state.candidate_xid IS NOT NULL OR state.mark >= head) THEN
    RETURN;
  END IF;

  RETURN QUERY WITH taken AS (
    DELETE FROM event_outbox WHERE ctid = ANY (next) RETURNING *
  ), logged AS (
    INSERT INTO event (workspace_id, position, id, type, version, occurred_at, recorded_at, actor_kind, actor_id,
        origin, connection_id, cause_id, correlation_id, customer_id, subject_type, subject_id, changes, data)
      SELECT workspace_id, state.last_position + row_number() OVER (ORDER BY seq), id, type, version, occurred_at,
        recorded_at, actor_kind, actor_id, origin, connection_id, cause_id, correlation_id,
        (SELECT c.id FROM (SELECT id, workspace_id FROM customer WHERE id = taken.customer_id OFFSET 0) c
          WHERE c.workspace_id = taken.workspace_id),
        subject_type, subject_id, changes, data
      FROM taken
    ON CONFLICT (workspace_id, id) DO NOTHING
    RETURNING *
  )
  SELECT l.workspace_id, max(l.position), count(*)::integer,
      CASE WHEN total <= 100 THEN coalesce((SELECT max(e.position) FROM event e WHERE e.workspace_id = l.workspace_id), 0) END,
      CASE WHEN total <= 100 THEN json_agg(row_to_json(l) ORDER BY l.position) END
    FROM logged l GROUP BY l.workspace_id;

  -- A full batch may have left rows behind it.
  IF settled THEN
    state.mark := CASE WHEN total < batch THEN state.candidate_seq ELSE least(reached, state.candidate_seq) END;
  END IF;
  IF settled AND state.mark = state.candidate_seq THEN
    state.candidate_xid := NULL;
  END IF;
  IF state.candidate_xid IS NULL THEN
    state.candidate_seq := head;
    state.candidate_xid := CASE WHEN state.mark < head THEN pg_current_xact_id()::text::bigint END;
  END IF;
  UPDATE event_sequencer SET last_position = state.last_position + total, mark = state.mark,
    candidate_seq = state.candidate_seq, candidate_xid = state.candidate_xid WHERE id = 1;
END $$;
