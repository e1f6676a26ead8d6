-- Segments gain and lose members by the hundred thousand, and a foreign key looks at each of them alone: more than half
-- of the time. What counts the members looks at a statement's segments at once, so it is what refuses those that are
-- gone; customers are marked as deleted and never removed. PostgreSQL before 18 cannot say this, and checks each.
DO $$
BEGIN
  IF current_setting('server_version_num')::integer >= 180000 THEN
    -- As texts, which an older one does not read.
    EXECUTE 'ALTER TABLE segment_member ALTER CONSTRAINT segment_member_workspace_id_segment_id_fkey NOT ENFORCED';
    EXECUTE 'ALTER TABLE segment_member ALTER CONSTRAINT segment_member_workspace_id_customer_id_fkey NOT ENFORCED';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION segment_member_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  gone integer;
BEGIN
  IF TG_OP = 'INSERT' THEN
    WITH d AS (SELECT workspace_id, segment_id, count(*)::integer AS n FROM changed GROUP BY 1, 2),
    u AS (
      UPDATE segment s SET member_count = s.member_count + d.n FROM d
        WHERE s.workspace_id = d.workspace_id AND s.id = d.segment_id RETURNING 1)
    SELECT (SELECT count(*) FROM d) - (SELECT count(*) FROM u) INTO gone;
    IF gone > 0 THEN
      RAISE foreign_key_violation USING MESSAGE = 'members of a segment that is gone';
    END IF;
  ELSE
    UPDATE segment s SET member_count = s.member_count - d.n
      FROM (SELECT workspace_id, segment_id, count(*)::integer AS n FROM changed GROUP BY 1, 2) d
      WHERE s.workspace_id = d.workspace_id AND s.id = d.segment_id;
  END IF;
  RETURN NULL;
END $$;
