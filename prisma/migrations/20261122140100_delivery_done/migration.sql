-- What was sent of late, newest first, for the figures of a connection.
CREATE INDEX delivery_done ON delivery (connection_id, done_at) WHERE status = 'DONE' AND lane = 0;
