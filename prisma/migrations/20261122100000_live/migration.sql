-- How far the log was trimmed: cursors below it are told so (CURSOR_EXPIRED), never answered with a gap.
ALTER TABLE "event_sequencer" ADD COLUMN "trimmed_to" BIGINT NOT NULL DEFAULT 0;

-- What Prisma cannot say ------------------------------------------------------

-- Deletes the events recorded before this time, whole positions only, and notes how far in the same transaction.
-- Timelines lose those lines too. Returns how many went.
CREATE FUNCTION trim_events(before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  reached bigint;
  gone bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(4721001); -- not while sequence_events gives positions
  SELECT coalesce(min(position) - 1, (SELECT last_position FROM event_sequencer WHERE id = 1)) INTO reached
    FROM event WHERE recorded_at >= before;
  UPDATE event_sequencer SET trimmed_to = greatest(trimmed_to, reached) WHERE id = 1;
  DELETE FROM event_personal p USING event e
    WHERE e.position <= reached AND p.workspace_id = e.workspace_id AND p.event_id = e.id;
  DELETE FROM event WHERE position <= reached;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$;
