INSERT INTO users (email, name, role) VALUES ('root@example.com', 'Root', 'admin') ON CONFLICT DO NOTHING;
