CREATE ROLE acme;
CREATE ROLE support;
CREATE ROLE claimants;
GRANT USAGE ON SCHEMA shop TO acme, support, claimants;
GRANT SELECT ON shop.orders TO acme, support, claimants;
CREATE POLICY own ON shop.orders
  USING (lakegate.is_member('support') OR tenant = 'acme' AND lakegate.is_member('acme'));
CREATE POLICY claimed ON shop.orders TO claimants USING (tenant = lakegate.claim('tenant'));
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE MASKING POLICY address (value text) RETURNS text
  AS CASE WHEN is_member('acme') THEN value ELSE mask_email(value) END;
ALTER TABLE shop.orders ALTER COLUMN email SET MASKING POLICY address;
