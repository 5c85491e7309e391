-- What of the answers about a person that person may see: a decision about sets
-- of authors that needs no cycle and no table.

CREATE TYPE perfmgmt.forte_cell AS (
    relation text,
    is_anonymous boolean,
    author_ids int[],
    scores smallint[],
    texts int
);
COMMENT ON TYPE perfmgmt.forte_cell IS
'What is shown of one relation: who is behind it (never shown), the scores by position (all 40, so that the length tells nothing) and the set of questions whose texts are shown (bit 0: the first).
A score is in half levels, 2..10; of an anonymous relation only 3, 5, 7, 9, and for a whole level the band: -1 low (1.0 or 2.0), -2 middle (3.0), -3 high (4.0 or 5.0). NULL: not shown.';

CREATE FUNCTION perfmgmt.forte_cells_accum(
    state internal, author_id int, relation text, is_anonymous boolean, first_position int, scores smallint[], texts int, k int)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_forte_cells_accum';
COMMENT ON FUNCTION perfmgmt.forte_cells_accum(internal, int, text, boolean, int, smallint[], int, int) IS
'transition function of forte_cells: adds answers of an author';

CREATE FUNCTION perfmgmt.forte_cells_final(state internal)
RETURNS perfmgmt.forte_cell[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perfmgmt_forte_cells_final';
COMMENT ON FUNCTION perfmgmt.forte_cells_final(internal) IS
'final function of forte_cells: chooses authors and items, and makes the figures';

CREATE AGGREGATE perfmgmt.forte_cells(
    author_id int, relation text, is_anonymous boolean, first_position int, scores smallint[], texts int, k int)
(
    SFUNC = perfmgmt.forte_cells_accum,
    STYPE = internal,
    SSPACE = 1024,
    FINALFUNC = perfmgmt.forte_cells_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE perfmgmt.forte_cells(int, text, boolean, int, smallint[], int, int) IS
'what a person is shown of the answers about that person, one cell a relation.
A row is answers of one author (several rows of an author are joined): the relation and whether it is anonymous; scores 1..5 or NULL for the positions from first_position on, 1..40; texts, the set of questions answered by a text, 24 bits; k, 3 or more.
Of each anonymous relation the items and authors are chosen so that every shown item comes from one and the same set of at least k authors, and most answers are shown (a text counts as four scores); who is left over, of all anonymous relations together, is treated the same way as "colleagues". Relations that are not anonymous are shown as they are. NULL without rows.
Errors: PM008 score out of range; PM001 k below 3; 2202E position out of range; 22004 a NULL author, relation, mark, position or k; 22023 texts out of range, or k not the same.
Formula: forte, the release R1, R3 to R6';
