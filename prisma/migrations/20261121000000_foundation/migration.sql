-- The foundation: workspaces, people, customers, services, bookings, payments, tags and the event log.
-- The first part is what Prisma makes of schema.prisma, with additions by hand: hash partitions for
-- the log, NULLS NOT DISTINCT on class sessions, and unique indexes of a customer's e-mail and external id
-- that are partial, so that PostgreSQL does not count them as keys: changing a key column would lock out the
-- sequencer's reference to the customer until the commit. The second part is what Prisma cannot say.

CREATE EXTENSION IF NOT EXISTS btree_gist; -- exclusion constraints over uuid and a time range
CREATE EXTENSION IF NOT EXISTS pg_trgm;    -- search

-- CreateEnum
CREATE TYPE "role" AS ENUM ('ADMIN', 'MANAGER', 'MARKETING', 'SALES', 'STAFF', 'VIEWER');

-- CreateEnum
CREATE TYPE "row_scope" AS ENUM ('ALL', 'TEAM', 'ASSIGNED', 'OWN');

-- CreateEnum
CREATE TYPE "lifecycle_stage" AS ENUM ('NEW', 'LEAD', 'PROSPECT', 'CUSTOMER', 'LOYAL', 'AT_RISK', 'CHURNED');

-- CreateEnum
CREATE TYPE "customer_status" AS ENUM ('ACTIVE', 'ARCHIVED', 'BLOCKED');

-- CreateEnum
CREATE TYPE "booking_status" AS ENUM ('PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'NO_SHOW');

-- CreateEnum
CREATE TYPE "payment_method" AS ENUM ('CASH', 'CARD', 'BANK_TRANSFER', 'WALLET', 'VOUCHER', 'OTHER');

-- CreateEnum
CREATE TYPE "payment_status" AS ENUM ('SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED');

-- CreateEnum
CREATE TYPE "resource_kind" AS ENUM ('ROOM', 'CHAIR', 'EQUIPMENT');

-- CreateEnum
CREATE TYPE "lead_grade" AS ENUM ('COLD', 'WARM', 'HOT', 'QUALIFIED');

-- CreateEnum
CREATE TYPE "event_origin" AS ENUM ('LIVE', 'IMPORT', 'SYNC');

-- CreateEnum
CREATE TYPE "actor_kind" AS ENUM ('USER', 'API_KEY', 'CUSTOMER', 'SYSTEM');

-- CreateTable
CREATE TABLE "workspace" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "country" CHAR(2) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "workspace_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "user" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "external_id" TEXT,
    "email" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "role" "role" NOT NULL,
    "row_scope" "row_scope",
    "disabled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "team" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "team_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "team_member" (
    "workspace_id" UUID NOT NULL,
    "team_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,

    CONSTRAINT "team_member_pkey" PRIMARY KEY ("workspace_id","user_id","team_id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "role" "role" NOT NULL,
    "scopes" TEXT[],
    "created_by_id" UUID,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "staff_member" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "user_id" UUID,
    "display_name" TEXT NOT NULL,
    "email" TEXT,
    "time_zone" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "staff_member_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "resource" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "resource_kind" NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "resource_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "duration_minutes" INTEGER NOT NULL,
    "buffer_before_minutes" INTEGER NOT NULL DEFAULT 0,
    "buffer_after_minutes" INTEGER NOT NULL DEFAULT 0,
    "price_minor" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "capacity" INTEGER NOT NULL DEFAULT 1,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "service_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customer" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "external_id" TEXT,
    "first_name" TEXT,
    "last_name" TEXT,
    "email" TEXT,
    "phone" TEXT,
    "company_name" TEXT,
    "job_title" TEXT,
    "website" TEXT,
    "avatar_url" TEXT,
    "born_on" DATE,
    "country" CHAR(2),
    "time_zone" TEXT,
    "language" TEXT,
    "referral_source" TEXT,
    "source" TEXT,
    "status" "customer_status" NOT NULL DEFAULT 'ACTIVE',
    "lifecycle_stage" "lifecycle_stage" NOT NULL DEFAULT 'NEW',
    "vip" BOOLEAN NOT NULL DEFAULT false,
    "do_not_contact" BOOLEAN NOT NULL DEFAULT false,
    "owner_id" UUID,
    "team_id" UUID,
    "sort_name" TEXT NOT NULL,
    "search_text" TEXT NOT NULL,
    "deleted_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "total_bookings" INTEGER NOT NULL DEFAULT 0,
    "completed_bookings" INTEGER NOT NULL DEFAULT 0,
    "cancelled_bookings" INTEGER NOT NULL DEFAULT 0,
    "no_show_bookings" INTEGER NOT NULL DEFAULT 0,
    "first_booking_at" TIMESTAMPTZ(3),
    "last_booking_at" TIMESTAMPTZ(3),
    "last_visit_at" TIMESTAMPTZ(3),
    "lead_score" INTEGER NOT NULL DEFAULT 0,
    "lead_grade" "lead_grade" NOT NULL DEFAULT 'COLD',

    CONSTRAINT "customer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customer_access" (
    "workspace_id" UUID NOT NULL,
    "principal_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "reasons" INTEGER NOT NULL,

    CONSTRAINT "customer_access_pkey" PRIMARY KEY ("workspace_id","principal_id","customer_id")
);

-- CreateTable
CREATE TABLE "customer_spending" (
    "workspace_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "payments" INTEGER NOT NULL,

    CONSTRAINT "customer_spending_pkey" PRIMARY KEY ("workspace_id","customer_id","currency")
);

-- CreateTable
CREATE TABLE "class_session" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "service_id" UUID NOT NULL,
    "staff_member_id" UUID,
    "resource_id" UUID,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "capacity" INTEGER NOT NULL,
    "taken" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "class_session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "booking" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "reference" TEXT NOT NULL,
    "external_id" TEXT,
    "customer_id" UUID NOT NULL,
    "service_id" UUID NOT NULL,
    "staff_member_id" UUID,
    "resource_id" UUID,
    "session_id" UUID,
    "status" "booking_status" NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "blocked_from" TIMESTAMPTZ(3) NOT NULL,
    "blocked_until" TIMESTAMPTZ(3) NOT NULL,
    "time_zone" TEXT NOT NULL,
    "price_minor" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "notes" TEXT,
    "confirmed_at" TIMESTAMPTZ(3),
    "cancelled_at" TIMESTAMPTZ(3),
    "cancel_reason" TEXT,
    "completed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "booking_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payment" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "booking_id" UUID,
    "amount_minor" BIGINT NOT NULL,
    "refunded_minor" BIGINT NOT NULL DEFAULT 0,
    "currency" CHAR(3) NOT NULL,
    "method" "payment_method" NOT NULL,
    "gateway" TEXT,
    "transaction_id" TEXT,
    "external_id" TEXT,
    "status" "payment_status" NOT NULL,
    "paid_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tag" (
    "id" UUID NOT NULL,
    "workspace_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "color" TEXT,
    "description" TEXT,
    "created_by_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tag_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customer_tag" (
    "workspace_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "tag_id" UUID NOT NULL,
    "tagged_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "tagged_by_id" UUID,

    CONSTRAINT "customer_tag_pkey" PRIMARY KEY ("workspace_id","customer_id","tag_id")
);

-- CreateTable
CREATE TABLE "event" (
    "workspace_id" UUID NOT NULL,
    "position" BIGINT NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "version" SMALLINT NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "actor_kind" "actor_kind" NOT NULL,
    "actor_id" UUID,
    "origin" "event_origin" NOT NULL,
    "connection_id" UUID,
    "cause_id" UUID,
    "correlation_id" TEXT,
    "customer_id" UUID,
    "subject_type" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "changes" JSONB,
    "data" JSONB NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("workspace_id","position")
) PARTITION BY HASH ("workspace_id");

DO $$
BEGIN
  FOR n IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF "event" FOR VALUES WITH (MODULUS 16, REMAINDER %s)', 'event_' || lpad(n::text, 2, '0'), n);
  END LOOP;
END $$;


-- CreateTable
CREATE TABLE "event_outbox" (
    "seq" BIGSERIAL NOT NULL,
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "type" TEXT NOT NULL,
    "version" SMALLINT NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "actor_kind" "actor_kind" NOT NULL,
    "actor_id" UUID,
    "origin" "event_origin" NOT NULL,
    "connection_id" UUID,
    "cause_id" UUID,
    "correlation_id" TEXT,
    "customer_id" UUID,
    "subject_type" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "changes" JSONB,
    "data" JSONB NOT NULL,

    CONSTRAINT "event_outbox_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "event_personal" (
    "workspace_id" UUID NOT NULL,
    "event_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "values" JSONB NOT NULL,

    CONSTRAINT "event_personal_pkey" PRIMARY KEY ("workspace_id","event_id")
) PARTITION BY HASH ("workspace_id");

DO $$
BEGIN
  FOR n IN 0..15 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF "event_personal" FOR VALUES WITH (MODULUS 16, REMAINDER %s)', 'event_personal_' || lpad(n::text, 2, '0'), n);
  END LOOP;
END $$;


-- CreateTable
CREATE TABLE "event_sequencer" (
    "id" SMALLINT NOT NULL,
    "epoch" UUID NOT NULL,
    "last_position" BIGINT NOT NULL,
    "mark" BIGINT NOT NULL,
    "candidate_seq" BIGINT,
    "candidate_xid" BIGINT,

    CONSTRAINT "event_sequencer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "workspace_id" UUID NOT NULL,
    "caller" UUID NOT NULL,
    "mutation" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "outcome" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("workspace_id","caller","mutation","key")
);

-- CreateIndex
CREATE UNIQUE INDEX "user_workspace_id_id_key" ON "user"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "user_workspace_id_external_id_key" ON "user"("workspace_id", "external_id");

-- CreateIndex
CREATE UNIQUE INDEX "user_workspace_id_email_key" ON "user"("workspace_id", "email");

-- CreateIndex
CREATE UNIQUE INDEX "team_workspace_id_id_key" ON "team"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "team_workspace_id_name_key" ON "team"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "team_member_workspace_id_team_id_idx" ON "team_member"("workspace_id", "team_id");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- CreateIndex
CREATE INDEX "api_key_workspace_id_created_at_id_idx" ON "api_key"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_workspace_id_id_key" ON "api_key"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "staff_member_workspace_id_display_name_id_idx" ON "staff_member"("workspace_id", "display_name", "id");

-- CreateIndex
CREATE UNIQUE INDEX "staff_member_workspace_id_id_key" ON "staff_member"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "staff_member_workspace_id_user_id_key" ON "staff_member"("workspace_id", "user_id");

-- CreateIndex
CREATE UNIQUE INDEX "resource_workspace_id_id_key" ON "resource"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "resource_workspace_id_name_key" ON "resource"("workspace_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "service_workspace_id_id_key" ON "service"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "service_workspace_id_name_key" ON "service"("workspace_id", "name");

-- CreateIndex
CREATE INDEX "customer_workspace_id_created_at_id_idx" ON "customer"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_updated_at_id_idx" ON "customer"("workspace_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_sort_name_id_idx" ON "customer"("workspace_id", "sort_name", "id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_phone_idx" ON "customer"("workspace_id", "phone");

-- CreateIndex
CREATE INDEX "customer_workspace_id_owner_id_created_at_id_idx" ON "customer"("workspace_id", "owner_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_team_id_created_at_id_idx" ON "customer"("workspace_id", "team_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_lifecycle_stage_created_at_id_idx" ON "customer"("workspace_id", "lifecycle_stage", "created_at", "id");

-- CreateIndex
CREATE INDEX "customer_search_text_idx" ON "customer" USING GIN ("search_text" gin_trgm_ops);

-- CreateIndex
CREATE UNIQUE INDEX "customer_workspace_id_id_key" ON "customer"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "customer_workspace_id_external_id_key" ON "customer"("workspace_id", "external_id") WHERE "external_id" IS NOT NULL;

-- CreateIndex
CREATE UNIQUE INDEX "customer_workspace_id_email_key" ON "customer"("workspace_id", "email") WHERE "email" IS NOT NULL;

-- CreateIndex
CREATE INDEX "customer_access_workspace_id_customer_id_idx" ON "customer_access"("workspace_id", "customer_id");

-- CreateIndex
CREATE UNIQUE INDEX "class_session_workspace_id_id_key" ON "class_session"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "class_session_workspace_id_service_id_starts_at_staff_membe_key" ON "class_session"("workspace_id", "service_id", "starts_at", "staff_member_id", "resource_id") NULLS NOT DISTINCT;

-- CreateIndex
CREATE INDEX "booking_workspace_id_starts_at_id_idx" ON "booking"("workspace_id", "starts_at", "id");

-- CreateIndex
CREATE INDEX "booking_workspace_id_created_at_id_idx" ON "booking"("workspace_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "booking_workspace_id_status_starts_at_id_idx" ON "booking"("workspace_id", "status", "starts_at", "id");

-- CreateIndex
CREATE INDEX "booking_workspace_id_customer_id_starts_at_id_idx" ON "booking"("workspace_id", "customer_id", "starts_at", "id");

-- CreateIndex
CREATE INDEX "booking_workspace_id_staff_member_id_starts_at_id_idx" ON "booking"("workspace_id", "staff_member_id", "starts_at", "id");

-- CreateIndex
CREATE INDEX "booking_workspace_id_resource_id_starts_at_id_idx" ON "booking"("workspace_id", "resource_id", "starts_at", "id");

-- CreateIndex
CREATE INDEX "booking_workspace_id_service_id_starts_at_id_idx" ON "booking"("workspace_id", "service_id", "starts_at", "id");

-- CreateIndex
CREATE INDEX "booking_workspace_id_session_id_starts_at_id_idx" ON "booking"("workspace_id", "session_id", "starts_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "booking_workspace_id_id_key" ON "booking"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "booking_workspace_id_reference_key" ON "booking"("workspace_id", "reference");

-- CreateIndex
CREATE UNIQUE INDEX "booking_workspace_id_external_id_key" ON "booking"("workspace_id", "external_id");

-- CreateIndex
CREATE INDEX "payment_workspace_id_paid_at_id_idx" ON "payment"("workspace_id", "paid_at", "id");

-- CreateIndex
CREATE INDEX "payment_workspace_id_customer_id_paid_at_id_idx" ON "payment"("workspace_id", "customer_id", "paid_at", "id");

-- CreateIndex
CREATE INDEX "payment_workspace_id_booking_id_paid_at_id_idx" ON "payment"("workspace_id", "booking_id", "paid_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "payment_workspace_id_id_key" ON "payment"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "payment_workspace_id_external_id_key" ON "payment"("workspace_id", "external_id");

-- CreateIndex
CREATE UNIQUE INDEX "tag_workspace_id_id_key" ON "tag"("workspace_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "tag_workspace_id_slug_key" ON "tag"("workspace_id", "slug");

-- CreateIndex
CREATE INDEX "customer_tag_workspace_id_tag_id_customer_id_idx" ON "customer_tag"("workspace_id", "tag_id", "customer_id");

-- CreateIndex
CREATE INDEX "event_workspace_id_customer_id_occurred_at_id_idx" ON "event"("workspace_id", "customer_id", "occurred_at", "id");

-- CreateIndex
CREATE INDEX "event_workspace_id_occurred_at_id_idx" ON "event"("workspace_id", "occurred_at", "id");

-- CreateIndex
CREATE INDEX "event_workspace_id_type_occurred_at_id_idx" ON "event"("workspace_id", "type", "occurred_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "event_workspace_id_id_key" ON "event"("workspace_id", "id");

-- CreateIndex
CREATE INDEX "event_personal_workspace_id_customer_id_idx" ON "event_personal"("workspace_id", "customer_id");

-- CreateIndex
CREATE INDEX "idempotency_key_created_at_idx" ON "idempotency_key"("created_at");

-- AddForeignKey
ALTER TABLE "user" ADD CONSTRAINT "user_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "team" ADD CONSTRAINT "team_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "team_member" ADD CONSTRAINT "team_member_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "team_member" ADD CONSTRAINT "team_member_workspace_id_team_id_fkey" FOREIGN KEY ("workspace_id", "team_id") REFERENCES "team"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "team_member" ADD CONSTRAINT "team_member_workspace_id_user_id_fkey" FOREIGN KEY ("workspace_id", "user_id") REFERENCES "user"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_workspace_id_created_by_id_fkey" FOREIGN KEY ("workspace_id", "created_by_id") REFERENCES "user"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "staff_member" ADD CONSTRAINT "staff_member_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "staff_member" ADD CONSTRAINT "staff_member_workspace_id_user_id_fkey" FOREIGN KEY ("workspace_id", "user_id") REFERENCES "user"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "resource" ADD CONSTRAINT "resource_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "service" ADD CONSTRAINT "service_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer" ADD CONSTRAINT "customer_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer" ADD CONSTRAINT "customer_workspace_id_owner_id_fkey" FOREIGN KEY ("workspace_id", "owner_id") REFERENCES "user"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer" ADD CONSTRAINT "customer_workspace_id_team_id_fkey" FOREIGN KEY ("workspace_id", "team_id") REFERENCES "team"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_access" ADD CONSTRAINT "customer_access_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_access" ADD CONSTRAINT "customer_access_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_spending" ADD CONSTRAINT "customer_spending_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_spending" ADD CONSTRAINT "customer_spending_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "class_session" ADD CONSTRAINT "class_session_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "class_session" ADD CONSTRAINT "class_session_workspace_id_service_id_fkey" FOREIGN KEY ("workspace_id", "service_id") REFERENCES "service"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "class_session" ADD CONSTRAINT "class_session_workspace_id_staff_member_id_fkey" FOREIGN KEY ("workspace_id", "staff_member_id") REFERENCES "staff_member"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "class_session" ADD CONSTRAINT "class_session_workspace_id_resource_id_fkey" FOREIGN KEY ("workspace_id", "resource_id") REFERENCES "resource"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "booking" ADD CONSTRAINT "booking_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "booking" ADD CONSTRAINT "booking_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "booking" ADD CONSTRAINT "booking_workspace_id_service_id_fkey" FOREIGN KEY ("workspace_id", "service_id") REFERENCES "service"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "booking" ADD CONSTRAINT "booking_workspace_id_staff_member_id_fkey" FOREIGN KEY ("workspace_id", "staff_member_id") REFERENCES "staff_member"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "booking" ADD CONSTRAINT "booking_workspace_id_resource_id_fkey" FOREIGN KEY ("workspace_id", "resource_id") REFERENCES "resource"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "booking" ADD CONSTRAINT "booking_workspace_id_session_id_fkey" FOREIGN KEY ("workspace_id", "session_id") REFERENCES "class_session"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_workspace_id_booking_id_fkey" FOREIGN KEY ("workspace_id", "booking_id") REFERENCES "booking"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "tag" ADD CONSTRAINT "tag_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "tag" ADD CONSTRAINT "tag_workspace_id_created_by_id_fkey" FOREIGN KEY ("workspace_id", "created_by_id") REFERENCES "user"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_tag" ADD CONSTRAINT "customer_tag_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_tag" ADD CONSTRAINT "customer_tag_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_tag" ADD CONSTRAINT "customer_tag_workspace_id_tag_id_fkey" FOREIGN KEY ("workspace_id", "tag_id") REFERENCES "tag"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "customer_tag" ADD CONSTRAINT "customer_tag_workspace_id_tagged_by_id_fkey" FOREIGN KEY ("workspace_id", "tagged_by_id") REFERENCES "user"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "event" ADD CONSTRAINT "event_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- ---------------------------------------------------------------------------------------------------
-- What Prisma cannot say
-- ---------------------------------------------------------------------------------------------------

-- Statistics are updated in place; room on the page keeps those updates off the indexes.
ALTER TABLE customer SET (fillfactor = 80);
ALTER TABLE class_session SET (fillfactor = 80);

ALTER TABLE customer
  ADD CONSTRAINT customer_email_lower CHECK (email = lower(email)),
  ADD CONSTRAINT customer_phone_e164 CHECK (phone ~ '^\+[1-9][0-9]{1,16}$');

ALTER TABLE service
  ADD CONSTRAINT service_duration CHECK (duration_minutes > 0),
  ADD CONSTRAINT service_buffers CHECK (buffer_before_minutes >= 0 AND buffer_after_minutes >= 0),
  ADD CONSTRAINT service_price CHECK (price_minor >= 0),
  ADD CONSTRAINT service_capacity CHECK (capacity > 0);

ALTER TABLE booking
  ADD CONSTRAINT booking_times CHECK (starts_at < ends_at AND blocked_from <= starts_at AND ends_at <= blocked_until),
  ADD CONSTRAINT booking_price CHECK (price_minor >= 0);

ALTER TABLE payment
  ADD CONSTRAINT payment_amount CHECK (amount_minor >= 0),
  ADD CONSTRAINT payment_refund CHECK (refunded_minor BETWEEN 0 AND amount_minor);

ALTER TABLE customer_access ADD CONSTRAINT customer_access_reasons CHECK (reasons >= 0);

-- One provider never reports the same transaction twice.
CREATE UNIQUE INDEX payment_transaction_key ON payment (workspace_id, method, coalesce(gateway, ''), transaction_id)
  WHERE transaction_id IS NOT NULL;

-- Nobody is booked twice, buffers included. Bookings of one class session share it, hence `<>`: two
-- bookings collide only if they belong to different sittings.
ALTER TABLE booking
  ADD CONSTRAINT booking_staff_member_free EXCLUDE USING gist (
    workspace_id WITH =, staff_member_id WITH =, (coalesce(session_id, id)) WITH <>,
    tstzrange(blocked_from, blocked_until) WITH &&
  ) WHERE (status IN ('PENDING', 'CONFIRMED') AND staff_member_id IS NOT NULL),
  ADD CONSTRAINT booking_resource_free EXCLUDE USING gist (
    workspace_id WITH =, resource_id WITH =, (coalesce(session_id, id)) WITH <>,
    tstzrange(blocked_from, blocked_until) WITH &&
  ) WHERE (status IN ('PENDING', 'CONFIRMED') AND resource_id IS NOT NULL);

-- The last place in a class is sold once: the counter's row lock orders the callers, the check refuses.
ALTER TABLE class_session
  ADD CONSTRAINT class_session_not_overbooked CHECK (taken <= capacity),
  ADD CONSTRAINT class_session_taken CHECK (taken >= 0);

CREATE FUNCTION booking_takes_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.session_id IS NOT NULL AND OLD.status <> 'CANCELLED' THEN
    UPDATE class_session SET taken = taken - 1 WHERE workspace_id = OLD.workspace_id AND id = OLD.session_id;
  END IF;
  IF NEW.session_id IS NOT NULL AND NEW.status <> 'CANCELLED' THEN
    UPDATE class_session SET taken = taken + 1 WHERE workspace_id = NEW.workspace_id AND id = NEW.session_id;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER booking_takes_place_on_insert AFTER INSERT ON booking
  FOR EACH ROW WHEN (NEW.session_id IS NOT NULL) EXECUTE FUNCTION booking_takes_place();
CREATE TRIGGER booking_takes_place_on_update AFTER UPDATE OF session_id, status ON booking
  FOR EACH ROW WHEN (OLD.session_id IS DISTINCT FROM NEW.session_id
                     OR (NEW.session_id IS NOT NULL AND (OLD.status = 'CANCELLED') <> (NEW.status = 'CANCELLED')))
  EXECUTE FUNCTION booking_takes_place();

-- A customer's statistics follow the bookings, whoever writes them and however many at once.
-- A booking counts for the dates unless it was cancelled or the customer did not come.
CREATE FUNCTION booking_statistics_on_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE customer c SET
    total_bookings = c.total_bookings + d.total,
    completed_bookings = c.completed_bookings + d.completed,
    cancelled_bookings = c.cancelled_bookings + d.cancelled,
    no_show_bookings = c.no_show_bookings + d.no_show,
    first_booking_at = least(c.first_booking_at, d.first_at),
    last_booking_at = greatest(c.last_booking_at, d.last_at),
    last_visit_at = greatest(c.last_visit_at, d.visit_at)
  FROM (
    SELECT workspace_id, customer_id,
      count(*) AS total,
      count(*) FILTER (WHERE status = 'COMPLETED') AS completed,
      count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
      count(*) FILTER (WHERE status = 'NO_SHOW') AS no_show,
      min(starts_at) FILTER (WHERE status NOT IN ('CANCELLED', 'NO_SHOW')) AS first_at,
      max(starts_at) FILTER (WHERE status NOT IN ('CANCELLED', 'NO_SHOW')) AS last_at,
      max(starts_at) FILTER (WHERE status = 'COMPLETED') AS visit_at
    FROM new_rows GROUP BY 1, 2
  ) d
  WHERE c.workspace_id = d.workspace_id AND c.id = d.customer_id;
  RETURN NULL;
END $$;

CREATE FUNCTION booking_statistics_on_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- First the customers' locks, in a statement of their own: the next one then sees the bookings of whoever held
  -- them before. Waiting inside it would recount from an older snapshot.
  PERFORM 1 FROM customer c
    WHERE (c.workspace_id, c.id) IN (SELECT workspace_id, customer_id FROM old_rows UNION SELECT workspace_id, customer_id FROM new_rows)
    ORDER BY c.id FOR NO KEY UPDATE;
  UPDATE customer c SET
    total_bookings = c.total_bookings + d.total,
    completed_bookings = c.completed_bookings + d.completed,
    cancelled_bookings = c.cancelled_bookings + d.cancelled,
    no_show_bookings = c.no_show_bookings + d.no_show,
    first_booking_at = (SELECT min(b.starts_at) FROM booking b WHERE b.workspace_id = c.workspace_id
      AND b.customer_id = c.id AND b.status NOT IN ('CANCELLED', 'NO_SHOW')),
    last_booking_at = (SELECT max(b.starts_at) FROM booking b WHERE b.workspace_id = c.workspace_id
      AND b.customer_id = c.id AND b.status NOT IN ('CANCELLED', 'NO_SHOW')),
    last_visit_at = (SELECT max(b.starts_at) FROM booking b WHERE b.workspace_id = c.workspace_id
      AND b.customer_id = c.id AND b.status = 'COMPLETED')
  FROM (
    SELECT workspace_id, customer_id,
      sum(sign) AS total,
      coalesce(sum(sign) FILTER (WHERE status = 'COMPLETED'), 0) AS completed,
      coalesce(sum(sign) FILTER (WHERE status = 'CANCELLED'), 0) AS cancelled,
      coalesce(sum(sign) FILTER (WHERE status = 'NO_SHOW'), 0) AS no_show
    FROM (
      SELECT o.workspace_id, o.customer_id, o.status, -1 AS sign FROM old_rows o JOIN new_rows n USING (id)
        WHERE (o.status, o.starts_at, o.customer_id) IS DISTINCT FROM (n.status, n.starts_at, n.customer_id)
      UNION ALL
      SELECT n.workspace_id, n.customer_id, n.status, 1 AS sign FROM old_rows o JOIN new_rows n USING (id)
        WHERE (o.status, o.starts_at, o.customer_id) IS DISTINCT FROM (n.status, n.starts_at, n.customer_id)
    ) changed GROUP BY 1, 2
  ) d
  WHERE c.workspace_id = d.workspace_id AND c.id = d.customer_id;
  RETURN NULL;
END $$;

CREATE TRIGGER booking_statistics_on_insert AFTER INSERT ON booking
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION booking_statistics_on_insert();
CREATE TRIGGER booking_statistics_on_update AFTER UPDATE ON booking
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION booking_statistics_on_update();

-- What a customer has paid, less refunds, per currency.
CREATE FUNCTION payment_spending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    UPDATE customer_spending s
      SET amount_minor = s.amount_minor - (OLD.amount_minor - OLD.refunded_minor), payments = s.payments - 1
      WHERE s.workspace_id = OLD.workspace_id AND s.customer_id = OLD.customer_id AND s.currency = OLD.currency;
  END IF;
  INSERT INTO customer_spending AS s (workspace_id, customer_id, currency, amount_minor, payments)
    VALUES (NEW.workspace_id, NEW.customer_id, NEW.currency, NEW.amount_minor - NEW.refunded_minor, 1)
    ON CONFLICT (workspace_id, customer_id, currency)
    DO UPDATE SET amount_minor = s.amount_minor + excluded.amount_minor, payments = s.payments + 1;
  RETURN NULL;
END $$;

CREATE TRIGGER payment_spending AFTER INSERT OR UPDATE OF amount_minor, refunded_minor, currency, customer_id ON payment
  FOR EACH ROW EXECUTE FUNCTION payment_spending();

-- Who may reach which customer: owner and team of the customer, staff members of the bookings.
CREATE FUNCTION grant_customer_access(workspace uuid, principal uuid, customer uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO customer_access AS a (workspace_id, principal_id, customer_id, reasons)
    SELECT workspace, principal, customer, 1 WHERE principal IS NOT NULL
    ON CONFLICT (workspace_id, principal_id, customer_id) DO UPDATE SET reasons = a.reasons + 1;
$$;

CREATE FUNCTION withdraw_customer_access(workspace uuid, principal uuid, customer uuid) RETURNS void LANGUAGE sql AS $$
  UPDATE customer_access SET reasons = reasons - 1
    WHERE workspace_id = workspace AND principal_id = principal AND customer_id = customer;
  DELETE FROM customer_access
    WHERE workspace_id = workspace AND principal_id = principal AND customer_id = customer AND reasons = 0;
$$;

CREATE FUNCTION customer_access_of_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM withdraw_customer_access(OLD.workspace_id, OLD.owner_id, OLD.id);
    PERFORM withdraw_customer_access(OLD.workspace_id, OLD.team_id, OLD.id);
  END IF;
  PERFORM grant_customer_access(NEW.workspace_id, NEW.owner_id, NEW.id);
  PERFORM grant_customer_access(NEW.workspace_id, NEW.team_id, NEW.id);
  RETURN NULL;
END $$;

CREATE TRIGGER customer_access_on_insert AFTER INSERT ON customer
  FOR EACH ROW WHEN (NEW.owner_id IS NOT NULL OR NEW.team_id IS NOT NULL) EXECUTE FUNCTION customer_access_of_customer();
CREATE TRIGGER customer_access_on_update AFTER UPDATE OF owner_id, team_id ON customer
  FOR EACH ROW WHEN ((OLD.owner_id, OLD.team_id) IS DISTINCT FROM (NEW.owner_id, NEW.team_id))
  EXECUTE FUNCTION customer_access_of_customer();

CREATE FUNCTION customer_access_of_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    PERFORM withdraw_customer_access(OLD.workspace_id, OLD.staff_member_id, OLD.customer_id);
  END IF;
  PERFORM grant_customer_access(NEW.workspace_id, NEW.staff_member_id, NEW.customer_id);
  RETURN NULL;
END $$;

CREATE TRIGGER booking_access_on_insert AFTER INSERT ON booking
  FOR EACH ROW WHEN (NEW.staff_member_id IS NOT NULL) EXECUTE FUNCTION customer_access_of_booking();
CREATE TRIGGER booking_access_on_update AFTER UPDATE OF staff_member_id, customer_id ON booking
  FOR EACH ROW WHEN ((OLD.staff_member_id, OLD.customer_id) IS DISTINCT FROM (NEW.staff_member_id, NEW.customer_id))
  EXECUTE FUNCTION customer_access_of_booking();

-- The event log -------------------------------------------------------------------------------------

-- A writer holds its transaction id before its row draws a number; the sequencer's mark relies on it.
CREATE FUNCTION event_outbox_take_xid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_current_xact_id();
  RETURN NULL;
END $$;
CREATE TRIGGER event_outbox_take_xid BEFORE INSERT ON event_outbox
  FOR EACH STATEMENT EXECUTE FUNCTION event_outbox_take_xid();

-- The outbox is a queue: almost always empty, all of it dead rows.
ALTER TABLE event_outbox SET (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);

INSERT INTO event_sequencer (id, epoch, last_position, mark) VALUES (1, gen_random_uuid(), 0, 0);

-- Moves up to `batch` committed events from the outbox into the log, in the order in which they drew their
-- numbers, and returns for each workspace touched the last position and how many moved. Any process may
-- call it at any time; an advisory lock makes the calls take turns, so there is no leader to fail over.
--
-- The mark: rows at or below it need not be looked for, so that calls stay quick while dead rows cannot be
-- cleared away. It only moves up to a candidate noted by an earlier call: the outbox sequence's last value,
-- read before that call took its own transaction id. Once every transaction up to that id has ended, each
-- row up to the candidate is either visible or will never be.
--
-- Rows are read by index and deleted by ctid, since the outbox may hold a great many dead rows beside them: a
-- sequential scan or a join, which the planner likes for a large batch, would read them all.
--
-- One bad row must not stop the log for everyone: an unknown customer is left out, a known event id skipped.
CREATE FUNCTION sequence_events(batch integer)
  RETURNS TABLE (workspace uuid, last bigint, moved integer) LANGUAGE plpgsql SET enable_seqscan = off AS $$
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
        (SELECT c.id FROM customer c WHERE c.workspace_id = taken.workspace_id AND c.id = taken.customer_id),
        subject_type, subject_id, changes, data
      FROM taken
    ON CONFLICT (workspace_id, id) DO NOTHING
    RETURNING workspace_id, position
  )
  SELECT workspace_id, max(position), count(*)::integer FROM logged GROUP BY workspace_id;

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
