"""What of allauth is mounted, page by page: everything else of it answers 404."""

from django.urls import path

from governance import account_views as views
from governance import oidc_views

urlpatterns = [
    path("accounts/login/", views.login, name="account_login"),
    path("accounts/login/code/", views.second_factor, name="mfa_authenticate"),
    path("accounts/login/passkey/", views.passkey_login, name="mfa_login_webauthn"),
    path("accounts/login/sso/", oidc_views.begin, name="oidc-login"),
    path("accounts/login/sso/back/", oidc_views.back, name="oidc-back"),
    path("accounts/logout/", views.logout, name="account_logout"),
    path("accounts/password/", views.password, name="account_change_password"),
    path("accounts/password/first/", views.first_password, name="account_set_password"),
    path("account/", views.mine, name="account"),
    path("account/confirm/", views.confirm, name="account_reauthenticate"),
    path("account/sessions/end/", views.session_end, name="session-end"),
    path("account/app/", views.add_app, name="mfa_activate_totp"),
    path("account/app/remove/", views.remove_app, name="mfa_deactivate_totp"),
    path("account/passkeys/new/", views.add_passkey, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/remove/", views.remove_passkey, name="mfa_remove_webauthn"),
    path("account/codes/", views.view_codes, name="mfa_view_recovery_codes"),
    path("account/codes/new/", views.new_codes, name="mfa_generate_recovery_codes"),
]
