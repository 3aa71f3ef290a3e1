-- What the card has answered to the question whether its holder has lived eighteen years: yes or no; empty where it was not
-- asked. The date of birth is nowhere.
ALTER TABLE sessions ADD COLUMN age_over_18 TEXT;
-- The same as a site was told it.
ALTER TABLE grants ADD COLUMN granted_age TEXT;
