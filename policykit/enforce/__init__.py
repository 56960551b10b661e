"""Acting on real sends: guards catch them, the gate has them judged, decisions become pass, rewrite or refusal.

`gate` draws the way of a send, file by file; `guards` has one file per transport; `context` and `found` are
what an application sees of it.
"""
