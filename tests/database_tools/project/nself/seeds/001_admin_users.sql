INSERT INTO roles VALUES ('admin', 'Runs the place'), ('user', 'Uses it') ON CONFLICT DO NOTHING;
INSERT INTO users (email, name, role) VALUES ('root@example.com', 'Root', 'admin') ON CONFLICT DO NOTHING;
