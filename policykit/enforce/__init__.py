"""Acting on real sends: guards catch them, the gate has them judged, decisions become pass, rewrite or refusal."""
