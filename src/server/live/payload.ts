/** What an event became for a group: serialised once, framed once for each kind of client. */
export interface Payload {
  position: bigint;
  cursor: string;
  /** The execution result as JSON. */
  json: Buffer;
  /** WebSocket frames with a gap for the operation's id, by the gap's length. */
  frames: Map<number, Frame>;
  /** The server-sent event, once one was asked for. */
  serverSent?: Buffer;
}

/** A `next` message of graphql-transport-ws as one WebSocket frame; the id goes in at `gap`. */
export interface Frame {
  bytes: Buffer;
  gap: number;
}

const before = Buffer.from('{"id":');
const between = Buffer.from(',"type":"next","payload":');
const behind = Buffer.from('}');

export function newPayload(position: bigint, cursor: string, json: string): Payload {
  return { position, cursor, json: Buffer.from(json), frames: new Map() };
}

/** @param idLength Bytes of the id as JSON. */
export function frameOf(payload: Payload, idLength: number): Frame {
  const known = payload.frames.get(idLength);
  if (known) return known;
  const length = before.length + idLength + between.length + payload.json.length + behind.length;
  const header = headerOf(length);
  const bytes = Buffer.concat([header, before, Buffer.alloc(idLength), between, payload.json, behind]);
  const frame = { bytes, gap: header.length + before.length };
  payload.frames.set(idLength, frame);
  return frame;
}

/** Of a whole, unmasked text frame (RFC 6455, 5.2). */
function headerOf(length: number): Buffer {
  const text = 0x81;
  if (length < 126) return Buffer.from([text, length]);
  if (length < 65_536) return Buffer.from([text, 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = text;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** The cursor is the id of the event: what EventSource hands back as `Last-Event-ID`. */
export function serverSentOf(payload: Payload): Buffer {
  payload.serverSent ??= Buffer.concat([
    Buffer.from(`id: ${payload.cursor}\nevent: next\ndata: `),
    payload.json,
    Buffer.from('\n\n'),
  ]);
  return payload.serverSent;
}
