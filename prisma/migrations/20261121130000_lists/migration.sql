-- What lists and search need so that a page costs rows by its size and never by the table: an index for each order that
-- goes with a filter, the order of the customers beside their tags, and a table of words.

-- AlterTable
ALTER TABLE "customer_tag" ADD COLUMN "customer_created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- CreateTable
CREATE TABLE "customer_word" (
    "workspace_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "word" TEXT COLLATE "C" NOT NULL,
    "previous" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "customer_word_pkey" PRIMARY KEY ("workspace_id","customer_id","word")
);

-- DropIndex
DROP INDEX "customer_search_text_idx";

-- DropIndex
DROP INDEX "customer_tag_workspace_id_tag_id_customer_id_idx";

-- CreateIndex
CREATE INDEX "customer_word_workspace_id_word_customer_id_previous_idx" ON "customer_word"("workspace_id", "word", "customer_id" DESC, "previous");

-- CreateIndex
CREATE INDEX "customer_workspace_id_owner_id_sort_name_id_idx" ON "customer"("workspace_id", "owner_id", "sort_name", "id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_team_id_sort_name_id_idx" ON "customer"("workspace_id", "team_id", "sort_name", "id");

-- CreateIndex
CREATE INDEX "customer_workspace_id_lifecycle_stage_sort_name_id_idx" ON "customer"("workspace_id", "lifecycle_stage", "sort_name", "id");

-- CreateIndex
CREATE INDEX "customer_tag_workspace_id_tag_id_customer_created_at_custom_idx" ON "customer_tag"("workspace_id", "tag_id", "customer_created_at", "customer_id");

-- CreateIndex: of the bookings that are places in a class, which are few
CREATE INDEX "booking_workspace_id_session_id_created_at_id_idx" ON "booking"("workspace_id", "session_id", "created_at", "id") WHERE "session_id" IS NOT NULL;

-- AddForeignKey
ALTER TABLE "customer_word" ADD CONSTRAINT "customer_word_workspace_id_customer_id_fkey" FOREIGN KEY ("workspace_id", "customer_id") REFERENCES "customer"("workspace_id", "id") ON DELETE CASCADE ON UPDATE NO ACTION;

-- ---------------------------------------------------------------------------------------------------
-- What Prisma cannot say
-- ---------------------------------------------------------------------------------------------------

-- The words of a search text, each with the one before it in their order ('' before the first). With that one, a row
-- knows whether it is the first of its customer among the words that begin with something, so that a search meets
-- each customer once without remembering whom it has met. Words are bytes in order ("C"), so that a beginning is a
-- range; 64 letters are as much as an index entry holds for certain, and as much as anybody types.
CREATE FUNCTION words_of(search_text text) RETURNS TABLE (word text, previous text) LANGUAGE sql IMMUTABLE AS $$
  SELECT word, lag(word, 1, '') OVER (ORDER BY word)
  FROM (SELECT DISTINCT left(one, 64) COLLATE "C" AS word FROM string_to_table(search_text, ' ') one WHERE one <> '') words
$$;

INSERT INTO customer_word (workspace_id, customer_id, word, previous)
  SELECT c.workspace_id, c.id, w.word, w.previous FROM customer c, words_of(c.search_text) w;

CREATE FUNCTION customer_words_on_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO customer_word (workspace_id, customer_id, word, previous)
    SELECT c.workspace_id, c.id, w.word, w.previous FROM new_rows c, words_of(c.search_text) w;
  RETURN NULL;
END $$;

-- By row, since only so a trigger can say that it has nothing to do with other columns: statistics change all the time.
CREATE FUNCTION customer_words_on_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM customer_word WHERE workspace_id = OLD.workspace_id AND customer_id = OLD.id;
  INSERT INTO customer_word (workspace_id, customer_id, word, previous)
    SELECT NEW.workspace_id, NEW.id, w.word, w.previous FROM words_of(NEW.search_text) w;
  RETURN NULL;
END $$;

CREATE TRIGGER customer_words_on_insert AFTER INSERT ON customer
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION customer_words_on_insert();
CREATE TRIGGER customer_words_on_update AFTER UPDATE OF search_text ON customer
  FOR EACH ROW WHEN (OLD.search_text <> NEW.search_text) EXECUTE FUNCTION customer_words_on_update();

-- When the customer was added stands beside each of their tags, so that those who wear a tag are found newest first.
-- It never changes.
UPDATE customer_tag t SET customer_created_at = c.created_at
  FROM customer c WHERE c.workspace_id = t.workspace_id AND c.id = t.customer_id;

CREATE FUNCTION customer_tag_created_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT created_at INTO NEW.customer_created_at FROM customer WHERE workspace_id = NEW.workspace_id AND id = NEW.customer_id;
  RETURN NEW;
END $$;

CREATE TRIGGER customer_tag_created_at BEFORE INSERT ON customer_tag
  FOR EACH ROW EXECUTE FUNCTION customer_tag_created_at();
