-- Users and databases of the PostgreSQL test server: read by scripts/servers and by docker-compose.yml.
-- The administrator, xabridge_admin, exists already. The other user may work in both databases, but must not be able to
-- finish what xabridge prepared.
CREATE ROLE xabridge LOGIN PASSWORD 'xabridge-test';
CREATE ROLE xabridge_other LOGIN PASSWORD 'xabridge-test';
CREATE DATABASE xabridge OWNER xabridge;
CREATE DATABASE xabridge2 OWNER xabridge;
\c xabridge
GRANT USAGE, CREATE ON SCHEMA public TO xabridge_other;
\c xabridge2
GRANT USAGE, CREATE ON SCHEMA public TO xabridge_other;
