-- Holds the number until the branch with the real 0012 is merged: migrations are numbered without a hole. Nothing is made here.
SELECT 1;
