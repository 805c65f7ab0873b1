INSERT INTO posts (user_id, title, published) SELECT id, 'Staging', true FROM users WHERE email = 'ann@example.com';
