-- What happens to each of Hillstrom's customers, said by hand from the sentences in policies/policies.yaml and
-- campaigns/clothes.yaml, with nothing of policykit in it. In: the views audience, consents, history and attributes,
-- every column a text. Out: one row per customer. NULL is "nobody knows", and not knowing counts as a breach: hence
-- IS NOT FALSE where something is breached, and IS NULL where nobody knows.

WITH

-- Friday 21:30 in New York, where evenings belong to people; 20:30 in Chicago, 18:30 in Los Angeles, where it is allowed.
-- New York opens again on Saturday at eight, 13:00 in Greenwich.
clock AS (SELECT TIMESTAMP '2026-11-28 02:30:00' AS planned, TIMESTAMP '2026-11-28 13:00:00' AS morning),

moment AS (SELECT planned AS instant FROM clock UNION ALL SELECT morning FROM clock),

person AS (
  SELECT
    customer_no AS id,
    phone_token <> '' AS has_push,
    mail <> '' AS has_email,
    CASE clock WHEN 'America/New_York' THEN true WHEN 'America/Chicago' THEN false WHEN 'America/Los_Angeles' THEN false END
      AS is_evening,
    CASE accepts WHEN 'generic' THEN 0 WHEN 'contextual' THEN 1 WHEN 'provided' THEN 2 WHEN 'observed' THEN 3
                 WHEN 'derived' THEN 3 WHEN 'inferred' THEN 4 END AS accepted
  FROM (SELECT customer_no, clock, accepts, coalesce(phone_token, '') AS phone_token, coalesce(mail, '') AS mail FROM audience)
),

-- Consent ---------------------------------------------------------------------------------------------------------------

event AS (
  SELECT
    person, id, status, quality, coalesce(channel, '') AS channel, coalesce(purpose, '') AS purpose,
    coalesce(defects, '') = '' AS sound, try_cast("at" AS TIMESTAMP) AS instant
  FROM consents
),
channel AS (SELECT unnest(['push', 'email']) AS channel),

-- A no that covers marketing by this channel; silence on where or on what means everywhere, everything.
refusal AS (
  SELECT
    e.person, c.channel, e.instant,
    CASE WHEN e.status = 'objected' OR e.channel IN ('', '*') THEN '*' ELSE e.channel END AS where_to,
    CASE WHEN e.status = 'objected' OR e.purpose IN ('', '*') THEN '*' ELSE e.purpose END AS what_for
  FROM event e, channel c
  WHERE e.status IN ('refused', 'withdrawn', 'objected')
    AND (e.status = 'objected' OR e.channel IN ('', '*', c.channel))
    AND (e.status = 'objected' OR e.purpose IN ('', '*', 'marketing', 'marketing.communications'))
),
-- A yes that covers it.
consent AS (
  SELECT e.person, c.channel, e.instant, e.channel AS where_to, e.purpose AS what_for, e.quality, e.sound
  FROM event e, channel c
  WHERE e.status = 'given' AND e.instant IS NOT NULL
    AND e.channel IN ('*', c.channel) AND e.purpose IN ('*', 'marketing', 'marketing.communications')
),
-- A no stands until the person's own later yes, at least as narrow.
standing AS (
  SELECT r.* FROM refusal r
  WHERE NOT EXISTS (
    SELECT 1 FROM consent g
    WHERE g.person = r.person AND g.channel = r.channel AND g.instant > r.instant
      AND g.quality IN ('single_opt_in', 'double_opt_in', 'written')
      AND r.where_to IN ('*', g.where_to) AND r.what_for IN ('*', g.what_for)
  )
),
-- A yes is good when it came after every no, lifted or not.
good AS (
  SELECT g.* FROM consent g
  WHERE NOT EXISTS (
    SELECT 1 FROM refusal r WHERE r.person = g.person AND r.channel = g.channel AND (r.instant IS NULL OR r.instant >= g.instant)
  )
),
asked AS (
  SELECT
    p.id, c.channel, m.instant,
    EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.channel = c.channel AND s.where_to = '*') AS said_no,
    EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.channel = c.channel AND s.where_to <> '*') AS not_here,
    EXISTS (SELECT 1 FROM standing s WHERE s.person = p.id AND s.channel = c.channel) OR NOT EXISTS (
      SELECT 1 FROM good g
      WHERE g.person = p.id AND g.channel = c.channel AND g.sound
        AND CASE c.channel
              WHEN 'push' THEN g.where_to = 'push' AND g.quality IN ('single_opt_in', 'double_opt_in', 'written')
                           AND m.instant < g.instant + INTERVAL 24 MONTH
              ELSE g.quality IN ('soft_opt_in', 'single_opt_in', 'double_opt_in', 'written')
                           AND m.instant < g.instant + INTERVAL 18 MONTH
            END
    ) AS uninvited
  FROM person p, channel c, moment m
),

-- Three in seven days -----------------------------------------------------------------------------------------------------

near AS (
  SELECT
    p.id, m.instant,
    (SELECT count(*) FROM history h
     WHERE h.person = p.id
       AND (h.channel IS NULL OR h.channel IN ('', 'push', 'email'))
       AND (h.message_class IS NULL OR h.message_class IN ('', 'marketing'))
       AND abs(epoch_us(CAST(h."at" AS TIMESTAMP)) - epoch_us(m.instant)) < 7 * 86400 * 1000000::BIGINT) >= 3 AS too_many
  FROM person p, moment m
),

-- What is known of them ---------------------------------------------------------------------------------------------------

value AS (
  SELECT
    person, attribute, value, try_cast(collected_at AS TIMESTAMP) AS seen_at,
    CASE
      WHEN origin = 'hearsay' THEN NULL
      WHEN coalesce(origin, '') <> '' THEN origin
      WHEN attribute = 'area' THEN 'provided' WHEN attribute = 'interest' THEN 'derived' ELSE 'observed'
    END AS origin
  FROM attributes
),
known AS (
  SELECT
    v.person AS id, v.attribute, m.instant, v.value,
    v.origin IN ('observed', 'derived') AS watched,
    CASE v.origin WHEN 'provided' THEN 2 WHEN 'observed' THEN 3 WHEN 'derived' THEN 3 END > p.accepted AS too_far,
    v.origin IN ('observed', 'derived') AND epoch_us(m.instant) - epoch_us(v.seen_at) >= 180 * 86400 * 1000000::BIGINT AS too_old
  FROM value v JOIN person p ON p.id = v.person, moment m
),
area AS (SELECT * FROM known WHERE attribute = 'area'),
interest AS (SELECT * FROM known WHERE attribute = 'interest'),
spent AS (SELECT *, try_cast(value AS DOUBLE) AS amount FROM known WHERE attribute = 'spent'),

-- The push as planned: it recites the area and is chosen by the interest ---------------------------------------------------

push_first AS (
  SELECT
    p.id, a.said_no, n.too_many, a.not_here, a.uninvited, s.amount > 500 AS best,
    r.watched AS recites, r.too_far OR i.too_far AS far, r.too_old OR i.too_old AS old, p.is_evening AS evening,
    (r.too_far OR r.too_old) IS NOT FALSE AS area_goes,
    (i.too_far OR i.too_old) IS NOT FALSE AS interest_goes
  FROM person p, clock k, asked a, near n, area r, interest i, spent s
  WHERE p.has_push AND a.channel = 'push' AND a.instant = k.planned AND n.instant = k.planned AND r.instant = k.planned
    AND i.instant = k.planned AND s.instant = k.planned AND a.id = p.id AND n.id = p.id AND r.id = p.id AND i.id = p.id AND s.id = p.id
),
push_asked AS (
  SELECT *, CASE
    WHEN said_no OR too_many THEN 'block'
    WHEN not_here OR uninvited OR best IS NOT FALSE THEN 'move'
    WHEN evening IS NULL THEN 'block'                                   -- it would have to wait, nobody knows until when
    WHEN recites IS NOT FALSE OR area_goes OR interest_goes OR evening THEN 'change'
    ELSE 'done' END AS outcome
  FROM push_first
),

-- The push once changed, perhaps on the next morning --------------------------------------------------------------------------

push_second AS (
  SELECT
    f.id, a.said_no, n.too_many, a.not_here, a.uninvited, f.best, f.evening AS waits,
    f.recites IS NOT FALSE AS generic,
    f.recites IS FALSE AND f.area_goes AS area_gone, f.recites IS FALSE AND f.interest_goes AS interest_gone,
    -- what is left of it, and has grown too old by the morning
    CASE WHEN f.recites IS NOT FALSE OR f.interest_goes THEN false ELSE i.too_old END AS interest_old,
    CASE WHEN f.recites IS NOT FALSE OR f.area_goes THEN false ELSE r.too_old END AS area_old
  FROM push_asked f, clock k, asked a, near n, area r, interest i
  WHERE f.outcome = 'change' AND a.channel = 'push'
    AND a.instant = CASE WHEN f.evening THEN k.morning ELSE k.planned END AND n.instant = a.instant AND r.instant = a.instant AND i.instant = a.instant
    AND a.id = f.id AND n.id = f.id AND r.id = f.id AND i.id = f.id
),
push_again AS (
  SELECT *, area_old OR interest_old AS old, CASE
    WHEN said_no OR too_many THEN 'block'
    WHEN not_here OR uninvited OR best IS NOT FALSE THEN 'move'
    ELSE 'done' END AS outcome
  FROM push_second
),

-- The mail: its subject recites the interest and cannot do without it, its text the area; what they spent chooses a line --------

email_first AS (
  SELECT
    p.id, a.said_no, n.too_many, a.not_here, a.uninvited,
    r.watched OR i.watched AS recites, r.too_far OR i.too_far OR s.too_far AS far, r.too_old OR i.too_old OR s.too_old AS old,
    (r.too_far OR r.too_old) IS NOT FALSE AS area_goes,
    (i.too_far OR i.too_old) IS NOT FALSE AS interest_goes,
    (s.too_far OR s.too_old) IS NOT FALSE AS spent_goes
  FROM person p, clock k, asked a, near n, area r, interest i, spent s
  WHERE p.has_email AND a.channel = 'email' AND a.instant = k.planned AND n.instant = k.planned AND r.instant = k.planned
    AND i.instant = k.planned AND s.instant = k.planned AND a.id = p.id AND n.id = p.id AND r.id = p.id AND i.id = p.id AND s.id = p.id
),
email_asked AS (
  SELECT *,
    CASE WHEN said_no OR too_many THEN 'block' WHEN not_here OR uninvited THEN 'move' ELSE 'done' END AS outcome,
    recites IS NOT FALSE OR interest_goes AS generic
  FROM email_first
),

-- Together ------------------------------------------------------------------------------------------------------------------------

path AS (
  SELECT
    p.id, p.has_push, p.has_email, f.id IS NOT NULL AS by_push, s.id IS NOT NULL AS push_changed,
    coalesce(s.outcome, f.outcome) AS push_outcome, e.outcome AS email_outcome
  FROM person p
  LEFT JOIN push_asked f ON f.id = p.id LEFT JOIN push_again s ON s.id = p.id LEFT JOIN email_asked e ON e.id = p.id
),
route AS (
  SELECT *, CASE
    WHEN has_push AND push_outcome = 'done' THEN 'push'
    WHEN has_push AND push_outcome = 'move' AND email_outcome = 'done' THEN 'email'
    WHEN NOT has_push AND email_outcome = 'done' THEN 'email'
  END AS final
  FROM path
),
-- The judgements a decision speaks of: those on the first channel, and those on the channel it leaves by.
heard AS (
  SELECT *, has_email AND (NOT has_push OR final = 'email') IS TRUE AS email_heard FROM route
)
,
-- Who decided: whoever stopped it; else whoever asked for the mail, and whose changes the message that leaves carries.
decided AS (
  SELECT
    h.id,
    h.has_push AND h.push_outcome = 'block' AS push_stopped,
    h.has_push AND h.push_outcome = 'move' AS push_moved,
    h.has_push AND h.push_outcome = 'done' AND h.push_changed AS push_lessened,
    NOT h.has_push AND h.email_outcome = 'block' AS email_stopped,
    NOT h.has_push AND h.email_outcome = 'move' AS email_stuck,
    h.final = 'email' AS by_email,
    coalesce(s.said_no, f.said_no) AS said_no, coalesce(s.too_many, f.too_many) AS too_many,
    coalesce(s.not_here, f.not_here) AS not_here, coalesce(s.uninvited, f.uninvited) AS uninvited
  FROM heard h LEFT JOIN push_asked f ON f.id = h.id LEFT JOIN push_again s ON s.id = h.id
)

SELECT
  h.id,
  concat_ws('|',
    CASE WHEN d.push_moved AND f.best IS NOT FALSE THEN 'best-customers-get-mail' END,
    CASE WHEN d.email_stuck AND e.uninvited THEN 'email-with-permission' END,
    CASE WHEN (d.push_stopped AND NOT d.said_no AND NOT d.too_many) OR (d.push_lessened AND f.evening)
         THEN 'evenings-are-theirs' END,
    CASE WHEN (d.push_lessened AND ((f.recites IS FALSE AND f.old IS NOT FALSE) OR s.old IS NOT FALSE))
           OR (d.by_email AND e.recites IS FALSE AND e.old IS NOT FALSE) THEN 'not-an-old-shadow' END,
    CASE WHEN (d.push_moved AND d.not_here) OR (d.email_stuck AND e.not_here) THEN 'not-on-this-channel' END,
    CASE WHEN d.push_moved AND d.uninvited THEN 'push-by-invitation' END,
    CASE WHEN (d.push_stopped AND d.said_no) OR (d.email_stopped AND e.said_no) THEN 'refusal-is-final' END,
    CASE WHEN (d.push_lessened AND f.recites IS NOT FALSE) OR (d.by_email AND e.recites IS NOT FALSE)
         THEN 'select-do-not-recite' END,
    CASE WHEN (d.push_lessened AND f.recites IS FALSE AND f.far IS NOT FALSE)
           OR (d.by_email AND e.recites IS FALSE AND e.far IS NOT FALSE) THEN 'their-own-degree' END,
    CASE WHEN (d.push_stopped AND d.too_many) OR (d.email_stopped AND e.too_many) THEN 'three-a-week' END
  ) AS decided_by,
  h.final AS channel,
  CASE
    WHEN h.final IS NULL THEN 'block'
    WHEN h.has_push AND h.final = 'email' THEN 'downgrade'
    WHEN h.final = 'push' AND h.push_changed THEN 'downgrade'
    WHEN h.final = 'email' AND (e.generic OR e.area_goes OR e.spent_goes) THEN 'downgrade'
    ELSE 'allow'
  END AS verdict,
  (h.has_push AND h.final = 'email') IS TRUE AS moved,
  ((h.final = 'push' AND s.generic) OR (h.final = 'email' AND e.generic)) IS TRUE AS generic,
  (h.final = 'push' AND s.waits) IS TRUE AS delayed,
  ((h.final = 'push' AND (s.area_gone OR s.area_old IS NOT FALSE) AND h.push_changed)
    OR (h.final = 'email' AND NOT e.generic AND e.area_goes)) IS TRUE AS area_stripped,
  ((h.final = 'push' AND (s.interest_gone OR s.interest_old IS NOT FALSE) AND h.push_changed)) IS TRUE AS interest_stripped,
  (h.final = 'email' AND NOT e.generic AND e.spent_goes) IS TRUE AS spent_stripped,

  ((h.has_push AND (f.said_no OR s.said_no)) OR (h.email_heard AND e.said_no)) IS TRUE AS "refusal-is-final",
  ((h.has_push AND (f.not_here OR s.not_here)) OR (h.email_heard AND e.not_here)) IS TRUE AS "not-on-this-channel",
  (h.has_push AND (f.uninvited OR s.uninvited)) IS TRUE AS "push-by-invitation",
  (h.email_heard AND e.uninvited) IS TRUE AS "email-with-permission",
  ((h.has_push AND (f.too_many OR s.too_many)) OR (h.email_heard AND e.too_many)) IS TRUE AS "three-a-week",
  h.has_push AND f.best IS NOT FALSE AS "best-customers-get-mail",
  (h.has_push AND f.recites IS NOT FALSE) OR (h.email_heard AND e.recites IS NOT FALSE) AS "select-do-not-recite",
  (h.has_push AND f.far IS NOT FALSE) OR (h.email_heard AND e.far IS NOT FALSE) AS "their-own-degree",
  (h.has_push AND (f.old IS NOT FALSE OR (h.push_changed AND s.old IS NOT FALSE)))
    OR (h.email_heard AND e.old IS NOT FALSE) AS "not-an-old-shadow",
  h.has_push AND f.evening IS NOT FALSE AS "evenings-are-theirs",

  h.has_push AND f.best IS NULL AS "best-customers-get-mail?",
  (h.has_push AND f.recites IS NULL) OR (h.email_heard AND e.recites IS NULL) AS "select-do-not-recite?",
  (h.has_push AND f.far IS NULL) OR (h.email_heard AND e.far IS NULL) AS "their-own-degree?",
  (h.has_push AND (f.old IS NULL OR (h.push_changed AND s.old IS NULL))) OR (h.email_heard AND e.old IS NULL) AS "not-an-old-shadow?",
  h.has_push AND f.evening IS NULL AS "evenings-are-theirs?"
FROM heard h JOIN decided d ON d.id = h.id
LEFT JOIN push_asked f ON f.id = h.id LEFT JOIN push_again s ON s.id = h.id LEFT JOIN email_asked e ON e.id = h.id
