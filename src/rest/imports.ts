import type { Context } from '../core/context.ts';
import type { Upload } from '../core/database.ts';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { encodeId, uuidOf } from '../core/ids.ts';
import { visibleOrThrow } from '../core/load.ts';
import { allow } from '../core/permissions.ts';
import { appendToUpload } from '../resolvers/uploads/appendToUpload.ts';
import { createUpload } from '../resolvers/uploads/createUpload.ts';
import type { RestAnswer, RestRequest } from './rest.ts';

/**
 * Files come in by tus 1.0 (https://tus.io), so any of its clients can send them and resume: POST with Upload-Length
 * makes an upload, HEAD says how much is here, PATCH with Upload-Offset adds bytes. A POST of the plain file, without
 * Upload-Length, is the whole of it, for curl.
 */

const tus = { 'Tus-Resumable': '1.0.0', 'Cache-Control': 'no-store' };

/** POST /imports */
export async function createImportUpload(ctx: Context, request: RestRequest): Promise<RestAnswer> {
  const length = request.header('upload-length');
  const metadata = metadataOf(request.header('upload-metadata'));
  let upload = await createUpload(ctx, {
    fileName: metadata.filename ?? metadata.name ?? 'import.csv',
    size: length === undefined ? null : numberOf('Upload-Length', length),
    sha256: metadata.sha256 ?? null,
  });
  const withBytes = length === undefined || request.header('content-type') === bytesType;
  if (withBytes && upload.received === 0n) upload = await appendToUpload(ctx, upload.id, 0, request.body);
  if (length === undefined && !upload.completedAt)
    throw new InvalidInput([{ path: '', message: 'The file is empty.' }]);
  const id = encodeId('Upload', upload.id);
  return {
    status: 201,
    headers: { ...headersOf(upload), Location: `/rest/v1/imports/${id}` },
    body: stateOf(upload),
  };
}

/** HEAD and GET /imports/:id */
export async function findImportUpload(ctx: Context, request: RestRequest): Promise<RestAnswer> {
  allow(ctx, 'imports.read');
  const upload = await visibleOrThrow(ctx, ctx.db, 'Upload', idOf(request));
  return { status: 200, headers: headersOf(upload), body: stateOf(upload) };
}

/** PATCH /imports/:id */
export async function patchImportUpload(ctx: Context, request: RestRequest): Promise<RestAnswer> {
  if (request.header('content-type') !== bytesType)
    throw new InvalidInput([{ path: 'Content-Type', message: `Must be ${bytesType}.` }]);
  const offset = numberOf('Upload-Offset', request.header('upload-offset'));
  const upload = await appendToUpload(ctx, idOf(request), offset, request.body);
  return { status: 204, headers: headersOf(upload) };
}

const bytesType = 'application/offset+octet-stream';

function idOf({ params }: RestRequest): string {
  const id = params.id as string;
  const uuid = uuidOf('Upload', id);
  if (!uuid) throw new NotFound(id);
  return uuid;
}

function headersOf({ received, size }: Upload): Record<string, string> {
  return {
    ...tus,
    'Upload-Offset': String(received),
    ...(size !== null && { 'Upload-Length': String(size) }),
  };
}

function stateOf(upload: Upload) {
  return {
    uploadId: encodeId('Upload', upload.id),
    fileName: upload.fileName,
    received: Number(upload.received),
    size: upload.size === null ? null : Number(upload.size),
    complete: upload.completedAt !== null,
  };
}

function numberOf(header: string, value: string | undefined): number {
  if (value && /^\d{1,15}$/.test(value)) return Number(value);
  throw new InvalidInput([{ path: header, message: 'Must be a number of bytes.' }]);
}

/** `filename aG90ZWxzLmNzdg==,sha256 ...`: names, each with its value in base64. */
function metadataOf(header = ''): Record<string, string | undefined> {
  const entries = header
    .split(',')
    .map((part) => part.trim().split(' '))
    .filter(([name]) => name);
  return Object.fromEntries(
    entries.map(([name, value = '']) => [name, Buffer.from(value, 'base64').toString()]),
  );
}
