INSERT INTO posts (user_id, title, published) SELECT id, 'Local', true FROM users WHERE email = 'ann@example.com';
